// Decides the simulations on standard input, one JSON text a line, and answers each with a line: the verdict, or what is wrong
// with the simulation.

import { createInterface } from 'node:readline'
import { anonymousPrincipal, runSimulation } from '@cloud-copilot/iam-simulate'

for await (const line of createInterface({ input: process.stdin })) {
  const simulation = JSON.parse(line)
  if (simulation.request.principal === 'anonymous') {
    simulation.request.principal = anonymousPrincipal
  }
  let answer
  try {
    const found = await runSimulation(simulation, {})
    const ignored = found.result?.ignoredContextKeys ?? []
    if (found.resultType !== 'single') {
      answer = 'error: ' + JSON.stringify(found.errors ?? found.resultType)
    } else if (ignored.length > 0) {
      answer = 'error: these condition keys are ignored: ' + ignored.join(', ')
    } else {
      answer = found.overallResult
    }
  } catch (error) {
    answer = 'error: ' + error.message
  }
  console.log(answer)
}
