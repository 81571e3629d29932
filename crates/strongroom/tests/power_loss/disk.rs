//! A model of a disk that loses power: it replays what a process did, and says in which states the files may be found.
//!
//! It is as strict as POSIX lets a file system be. A file's content is safe once the file was synced. A name is safe once its
//! directory was synced; syncing the file itself does not help, nor does syncing the directory make its own name safe.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::rc::Rc;

/// What a disk writes whole or not at all.
const SECTOR: u64 = 512;

/// One thing the process did, in the order of its log.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    Created { inode: u64, path: String },
    Directory { inode: u64, path: String },
    Nameless { inode: u64 },
    Wrote { inode: u64, change: Change },
    Synced { inode: u64 },
    Linked { inode: u64, path: String },
    Unlinked { path: String },
    Renamed { from: String, to: String },
    Marked(String),
}

/// A change of a file's content.
#[derive(Clone)]
pub(crate) enum Change {
    Write { offset: u64, data: Vec<u8> },
    Length(u64),
}

/// Without the bytes, which help nobody.
impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write { offset, data } => write!(f, "{} bytes at {offset}", data.len()),
            Self::Length(len) => write!(f, "length {len}"),
        }
    }
}

/// Reads the log that `shim.c` describes.
pub(crate) fn read_log(path: &Path) -> Vec<Event> {
    let log = fs::read(path).unwrap();
    let mut rest = &log[..];
    let mut take = |len: usize| {
        let (taken, after) = rest.split_at_checked(len).expect("the log ends inside a record");
        rest = after;
        taken
    };
    let mut events = Vec::new();
    let mut read = 0;
    while read < log.len() {
        let kind = take(1)[0];
        let [inode, offset] = [(); 2].map(|()| u64::from_le_bytes(take(8).try_into().unwrap()));
        let [path_len, data_len] = [(); 2].map(|()| u32::from_le_bytes(take(4).try_into().unwrap()) as usize);
        let path = String::from_utf8(take(path_len).to_vec()).unwrap();
        let data = take(data_len).to_vec();
        read += 25 + path_len + data_len;
        events.push(match kind {
            b'C' => Event::Created { inode, path },
            b'D' => Event::Directory { inode, path },
            b'N' => Event::Nameless { inode },
            b'W' => Event::Wrote { inode, change: Change::Write { offset, data } },
            b'T' => Event::Wrote { inode, change: Change::Length(offset) },
            b'S' => Event::Synced { inode },
            b'L' => Event::Linked { inode, path },
            b'U' => Event::Unlinked { path },
            b'R' => Event::Renamed { from: path, to: String::from_utf8(data).unwrap() },
            b'M' => Event::Marked(path),
            other => panic!("the log has a record of kind {other}"),
        });
    }
    events
}

/// A file or directory: what survives for certain, and what was done since and may or may not.
#[derive(Clone, Debug)]
enum Node {
    File { durable: Vec<u8>, pending: Vec<Change> },
    Directory { durable: Names, pending: Vec<Naming> },
}

/// Where nodes stand in [`Disk::nodes`], by name.
type Names = BTreeMap<String, usize>;

/// What happens to the names of one directory at once: `None` takes the name away.
type Naming = Vec<(String, Option<usize>)>;

/// The disk below one directory.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    /// The first one is the directory itself. None is ever removed: a name that was taken away may come back.
    nodes: Vec<Node>,
    /// The node that has an inode number now; numbers are used again.
    by_inode: HashMap<u64, usize>,
}

/// Contents of files by their path; directories end in `/` and have none.
pub(crate) type Files = BTreeMap<String, Rc<Vec<u8>>>;

impl Disk {
    /// What is there now, all of it durable.
    pub(crate) fn scan(directory: &Path) -> Self {
        let mut disk = Self { nodes: Vec::new(), by_inode: HashMap::new() };
        disk.scan_directory(directory);
        disk
    }

    fn scan_directory(&mut self, path: &Path) -> usize {
        let inode = fs::metadata(path).unwrap().ino();
        let node = self.add(inode, Node::Directory { durable: Names::new(), pending: Vec::new() });
        let mut names = Names::new();
        for entry in fs::read_dir(path).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if name.ends_with("-shm") {
                continue;
            }
            let child = if entry.file_type().unwrap().is_dir() {
                self.scan_directory(&entry.path())
            } else {
                let durable = fs::read(entry.path()).unwrap();
                self.add(entry.metadata().unwrap().ino(), Node::File { durable, pending: Vec::new() })
            };
            names.insert(name, child);
        }
        self.nodes[node] = Node::Directory { durable: names, pending: Vec::new() };
        node
    }

    fn add(&mut self, inode: u64, node: Node) -> usize {
        self.nodes.push(node);
        self.by_inode.insert(inode, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    /// Lets one thing happen. A sync of what `lost` names is reported as done and has no effect, as of a disk that lies.
    pub(crate) fn apply(&mut self, event: &Event, lost: Option<&str>) {
        match event {
            Event::Created { inode, path } => {
                let node = self.add(*inode, Node::File { durable: Vec::new(), pending: Vec::new() });
                self.name(path, Some(node));
            }
            Event::Directory { inode, path } => {
                let node = self.add(*inode, Node::Directory { durable: Names::new(), pending: Vec::new() });
                self.name(path, Some(node));
            }
            Event::Nameless { inode } => {
                self.add(*inode, Node::File { durable: Vec::new(), pending: Vec::new() });
            }
            Event::Linked { inode, path } => self.name(path, Some(self.by_inode[inode])),
            Event::Unlinked { path } => self.name(path, None),
            Event::Renamed { from, to } => self.rename(from, to),
            Event::Wrote { inode, change } => match &mut self.nodes[self.by_inode[inode]] {
                Node::File { pending, .. } => pending.push(change.clone()),
                Node::Directory { .. } => panic!("a directory was written to"),
            },
            Event::Synced { inode } => {
                let node = self.by_inode[inode];
                if lost.is_none_or(|lost| self.find(lost) != Some(node)) {
                    self.sync(node);
                }
            }
            Event::Marked(_) => {}
        }
    }

    fn sync(&mut self, node: usize) {
        match &mut self.nodes[node] {
            Node::File { durable, pending } => pending.drain(..).for_each(|change| alter(durable, &change)),
            Node::Directory { durable, pending } => {
                pending.drain(..).for_each(|naming| rename_in(durable, &naming));
            }
        }
    }

    fn name(&mut self, path: &str, to: Option<usize>) {
        let (directory, name) = self.split(path);
        self.pending_names(directory).push(vec![(name, to)]);
    }

    /// One step within a directory. Between two, each may keep or lose its half.
    fn rename(&mut self, from: &str, to: &str) {
        let node = self.find(from).expect("what is renamed is known");
        let ((old_directory, old), (new_directory, new)) = (self.split(from), self.split(to));
        if old_directory == new_directory {
            self.pending_names(old_directory).push(vec![(old, None), (new, Some(node))]);
        } else {
            self.pending_names(new_directory).push(vec![(new, Some(node))]);
            self.pending_names(old_directory).push(vec![(old, None)]);
        }
    }

    fn pending_names(&mut self, directory: usize) -> &mut Vec<Naming> {
        match &mut self.nodes[directory] {
            Node::Directory { pending, .. } => pending,
            Node::File { .. } => panic!("a file was used as a directory"),
        }
    }

    /// The node and the name in it of what the process sees as `path`.
    fn split(&self, path: &str) -> (usize, String) {
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
        (self.find(directory).expect("the directory is known"), name.to_owned())
    }

    fn find(&self, path: &str) -> Option<usize> {
        path.split('/').filter(|part| !part.is_empty()).try_fold(0, |node, part| {
            match &self.nodes[node] {
                Node::Directory { durable, pending } => {
                    // The last thing that happened to the name decides.
                    let changed =
                        pending.iter().flatten().rev().find(|(name, _)| name == part).map(|(_, to)| *to);
                    changed.unwrap_or_else(|| durable.get(part).copied())
                }
                Node::File { .. } => None,
            }
        })
    }

    /// What the process sees, which is also what a clean shutdown leaves.
    pub(crate) fn seen(&self) -> Files {
        let last = |node: usize| match &self.nodes[node] {
            Node::File { pending, .. } => pending.len(),
            Node::Directory { pending, .. } => pending.len(),
        };
        self.tree(0, &last)
            .into_iter()
            .map(|(path, node)| match &self.nodes[node] {
                Node::File { durable, pending } => {
                    let mut content = durable.clone();
                    pending.iter().for_each(|change| alter(&mut content, change));
                    (path, Rc::new(content))
                }
                Node::Directory { .. } => (path, Rc::default()),
            })
            .collect()
    }

    /// Every state in which the files may be found if the power fails now: each directory with some first part of what was
    /// done to its names, times each file with one of its [`contents`]. Each is told once, by its hash and a way to get it.
    pub(crate) fn after_power_loss(&self, mut found: impl FnMut(u64, &dyn Fn() -> Files)) {
        let mut known = HashSet::new();
        let contents: Vec<_> = self.nodes.iter().map(contents).collect();
        let directories: Vec<_> = self
            .nodes
            .iter()
            .enumerate()
            .filter_map(|(node, what)| match what {
                Node::Directory { pending, .. } if !pending.is_empty() => Some((node, pending.len() + 1)),
                _ => None,
            })
            .collect();
        for kept in combinations(&directories) {
            let tree = self.tree(0, &|node| kept.get(&node).copied().unwrap_or(0));
            let files: Vec<_> = tree
                .values()
                .filter(|node| contents[**node].len() > 1)
                .map(|node| (*node, contents[*node].len()))
                .collect::<HashSet<_>>()
                .into_iter()
                .collect();
            for chosen in combinations(&files) {
                let content = |node: usize| contents[node].get(chosen.get(&node).copied().unwrap_or(0));
                let mut hasher = DefaultHasher::new();
                for (path, node) in &tree {
                    (path, content(*node).map(|(hash, _)| hash)).hash(&mut hasher);
                }
                let state = hasher.finish();
                if known.insert(state) {
                    let bytes = |node| content(node).map(|(_, bytes)| Rc::clone(bytes)).unwrap_or_default();
                    found(state, &|| tree.iter().map(|(path, node)| (path.clone(), bytes(*node))).collect());
                }
            }
        }
    }

    /// The nodes by path, if of each directory's pending steps the first `kept(directory)` happened.
    fn tree(&self, directory: usize, kept: &dyn Fn(usize) -> usize) -> BTreeMap<String, usize> {
        let Node::Directory { durable, pending } = &self.nodes[directory] else { return BTreeMap::new() };
        let mut names = durable.clone();
        pending[..kept(directory)].iter().for_each(|naming| rename_in(&mut names, naming));
        let mut tree = BTreeMap::new();
        for (name, node) in names {
            if matches!(self.nodes[node], Node::Directory { .. }) {
                let below = self.tree(node, kept);
                tree.extend(below.into_iter().map(|(path, node)| (format!("{name}/{path}"), node)));
                tree.insert(format!("{name}/"), node);
            } else {
                tree.insert(name, node);
            }
        }
        tree
    }
}

fn rename_in(names: &mut Names, naming: &Naming) {
    for (name, to) in naming {
        match to {
            Some(node) => names.insert(name.clone(), *node),
            None => names.remove(name),
        };
    }
}

fn alter(content: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write { offset, data } => {
            let start = usize::try_from(*offset).unwrap();
            let end = start + data.len();
            if content.len() < end {
                content.resize(end, 0);
            }
            content[start..end].copy_from_slice(data);
        }
        Change::Length(len) => content.resize(usize::try_from(*len).unwrap(), 0),
    }
}

/// What a file may hold after a crash, with hashes. Of the changes since the last sync there are: the first few, or none, or
/// all; the first few and one more torn between two sectors; all but one.
fn contents(node: &Node) -> Vec<(u64, Rc<Vec<u8>>)> {
    let Node::File { durable, pending } = node else { return Vec::new() };
    let mut found = Vec::new();
    let mut known = HashSet::new();
    let mut keep = |content: &Vec<u8>| {
        let mut hasher = DefaultHasher::new();
        content.hash(&mut hasher);
        if known.insert(hasher.finish()) {
            found.push((hasher.finish(), Rc::new(content.clone())));
        }
    };
    keep(durable);
    let mut content = durable.clone();
    for (index, change) in pending.iter().enumerate() {
        let before = content.clone();
        if let Change::Write { offset, data } = change {
            let end = offset + data.len() as u64;
            let mut boundary = (offset / SECTOR + 1) * SECTOR;
            while boundary < end {
                let arrived = usize::try_from(boundary - offset).unwrap();
                let mut torn = before.clone();
                alter(&mut torn, &Change::Write { offset: *offset, data: data[..arrived].to_vec() });
                keep(&torn);
                boundary += SECTOR;
            }
        }
        alter(&mut content, change);
        keep(&content);
        let mut without = before;
        pending[index + 1..].iter().for_each(|later| alter(&mut without, later));
        keep(&without);
    }
    found
}

/// Every way to choose, for each of the things, one of so many.
fn combinations(choices: &[(usize, usize)]) -> Vec<HashMap<usize, usize>> {
    choices.iter().fold(vec![HashMap::new()], |ways, &(thing, count)| {
        ways.iter()
            .flat_map(|way| {
                (0..count).map(move |chosen| {
                    let mut way = way.clone();
                    way.insert(thing, chosen);
                    way
                })
            })
            .collect()
    })
}

/// Puts a state into an empty directory, readable by the owner only as the originals are.
pub(crate) fn write_out(files: &Files, directory: &Path) {
    for (path, content) in files {
        let target = directory.join(path);
        let parent = if path.ends_with('/') { &target } else { target.parent().unwrap() };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(parent).unwrap();
        if !path.ends_with('/') {
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&target).unwrap();
            std::io::Write::write_all(&mut file, content).unwrap();
        }
    }
}

/// What the directory holds, in the same form, to hold the replay against it.
pub(crate) fn read_in(directory: &Path) -> Files {
    Disk::scan(directory).seen()
}
