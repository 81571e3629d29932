//! Load on a server that speaks AWS's protocol, compared with the least that a server can do. Run
//! by `benches/scripts/load.py`.

#![allow(clippy::print_stdout, reason = "the figures are what it is for")]

#[allow(dead_code, clippy::unwrap_used, reason = "it is of the server's tests, which use more of it")]
#[path = "../../crates/strongroom-server/tests/support/signer.rs"]
mod signer;

use std::error::Error;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use clap::{Parser, Subcommand};
use signer::{Signer, call, request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// How many secrets are read in turn.
const SECRETS: usize = 100;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// A hello-world handler, by axum.
    Hello,
    /// Makes a hundred secrets, reads them for a while, and tells how it went.
    Run {
        /// Where the server is.
        address: SocketAddr,
        /// The server has no secrets: nothing is created, and any response will do.
        #[arg(long)]
        hello: bool,
        #[arg(long, default_value_t = 16)]
        connections: usize,
        #[arg(long, default_value_t = 30)]
        seconds: u64,
        #[arg(long, default_value = "AKIAEXAMPLE000001")]
        access_key_id: String,
        #[arg(long, default_value = "secret")]
        secret_access_key: String,
    },
}

#[tokio::main(flavor = "multi_thread")]
async fn hello() -> Result<(), Box<dyn Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, Router::new().route("/", post(|| async { "Hello, World!" }))).await?;
    Ok(())
}

/// Reads one answer: its status, and whether the server closes the connection after it.
async fn answer(stream: &mut tokio::net::TcpStream, buffer: &mut Vec<u8>) -> std::io::Result<(u16, bool)> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end]).map_err(std::io::Error::other)?;
        let header = |wanted: &str| {
            head.lines().find_map(|line| {
                let (name, value) = line.split_once(": ")?;
                name.eq_ignore_ascii_case(wanted).then_some(value)
            })
        };
        let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        if buffer.len() >= end + 4 + length {
            let status = head[9..12].parse().map_err(std::io::Error::other)?;
            return Ok((status, header("connection").is_some_and(|value| value == "close")));
        }
    }
}

/// Sends requests over one connection until the time is over; how long each took, in nanoseconds.
async fn one_connection(
    address: SocketAddr,
    requests: Arc<Vec<String>>,
    first: usize,
    end: Instant,
) -> std::io::Result<Vec<u64>> {
    let connect = async || {
        let stream = tokio::net::TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        std::io::Result::Ok(stream)
    };
    let mut stream = connect().await?;
    let (mut took, mut buffer) = (Vec::with_capacity(1 << 20), Vec::with_capacity(8192));
    for one in requests.iter().cycle().skip(first) {
        let begun = Instant::now();
        if begun >= end {
            break;
        }
        stream.write_all(one.as_bytes()).await?;
        let (status, closed) = answer(&mut stream, &mut buffer).await?;
        if status != 200 {
            return Err(std::io::Error::other(String::from_utf8_lossy(&buffer).into_owned()));
        }
        if closed {
            stream = connect().await?;
        }
        took.push(u64::try_from(begun.elapsed().as_nanos()).map_err(std::io::Error::other)?);
    }
    Ok(took)
}

#[tokio::main(flavor = "current_thread")]
async fn run(
    address: SocketAddr,
    requests: Vec<String>,
    connections: usize,
    time: Duration,
) -> Result<(), Box<dyn Error>> {
    let requests = Arc::new(requests);
    // The generator never sleeps: on loopback its waking would be work of the server's core, once
    // for each answer where the server is the slower of the two, and hardly ever where it is the
    // faster.
    tokio::spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    // What is warm is measured.
    for (time, told) in [(Duration::from_secs(2).min(time), false), (time, true)] {
        let end = Instant::now() + time;
        let running: Vec<_> = (0..connections)
            .map(|n| tokio::spawn(one_connection(address, Arc::clone(&requests), n * 7, end)))
            .collect();
        let mut took = Vec::new();
        for one in running {
            took.extend(one.await??);
        }
        took.sort_unstable();
        let at = |percent: usize| took[(took.len() - 1) * percent / 100] / 1_000;
        if told {
            let rate = took.len() as f64 / time.as_secs_f64();
            println!("{}", serde_json::json!({"per_second": rate, "p50_us": at(50), "p99_us": at(99)}));
        }
    }
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    match Arguments::parse().what {
        What::Hello => hello(),
        What::Run { address, hello, connections, seconds, access_key_id, secret_access_key } => {
            let signer = Signer::new(&access_key_id, &secret_access_key);
            let names: Vec<String> = (0..SECRETS).map(|n| format!("load/{n}")).collect();
            if !hello {
                for name in &names {
                    let mut stream = TcpStream::connect(address)?;
                    let body = serde_json::json!({
                        "Name": name,
                        "SecretString": "s3cret-".repeat(8),
                        "ClientRequestToken": "00000000-0000-4000-8000-000000000001",
                    });
                    let body = body.to_string();
                    let made = call(&mut stream, &signer, "secretsmanager.CreateSecret", &body);
                    if made.status != 200 {
                        return Err(made.body.into());
                    }
                }
            }
            // Signed once: a signature is good for five minutes, and is verified each time.
            let requests = names.iter().map(|name| {
                let body = serde_json::json!({"SecretId": name}).to_string();
                request(&address.to_string(), &signer, "secretsmanager.GetSecretValue", &body)
            });
            run(address, requests.collect(), connections, Duration::from_secs(seconds))
        }
    }
}
