//! Which folder and which file of a program uses which, read from its sources. In: a directory of sources, the order of its
//! folders. Out: the uses of a folder that is above, and the files that use each other in a circle.
//!
//! A folder is a directory or a file right in the sources. Comments do not count, nor do tests: these may use what they like.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// A line for each use that is wrong.
    pub upward: Vec<String>,
    /// All uses of another folder, right ones too.
    pub count: usize,
}

/// Reads all files but those of `roots`, which stand above all folders; `order` is from above to below. A path to a folder begins
/// with `prefix`: `crate::` where the sources are those of a crate.
pub fn read(sources: &Path, prefix: &str, order: &[&str], roots: &[&str]) -> Uses {
    let place = |name: &str| order.iter().position(|it| *it == name);
    let mut uses = Uses::default();
    for path in files(sources) {
        let inside = path.strip_prefix(sources).unwrap();
        let own = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if roots.contains(&own) || inside.ends_with("tests.rs") {
            continue;
        }
        let Some(above) = place(own) else {
            uses.upward.push(format!("{own} has no place in the order yet"));
            continue;
        };
        let code = code(&fs::read_to_string(&path).unwrap());
        // So many steps up lead out of the folder.
        let depth = inside.components().count() - usize::from(inside.ends_with("mod.rs"));
        if code.contains(&"super::".repeat(depth)) {
            uses.upward.push(format!("{} leaves its folder with super::; write {prefix}", inside.display()));
        }
        for name in named(&code, prefix).into_iter().filter(|name| name != own) {
            uses.count += 1;
            // What lib.rs itself holds is above all.
            if place(&name).is_none_or(|below| below <= above) {
                uses.upward.push(format!("{} uses {name}", inside.display()));
            }
        }
    }
    uses.upward.sort();
    uses
}

/// The path of a module, `a::b`, word by word.
type Module = Vec<String>;

/// The modules that come back to themselves by what they use; `roots` are left out.
pub fn in_circles(sources: &Path, roots: &[&str]) -> Vec<String> {
    let uses = uses(sources, roots);
    uses.keys().filter(|module| reached(&uses, module).contains(module)).map(|it| it.join("::")).collect()
}

/// The circles that are not of one noun, each in a line. A module and those below it are of one noun; `roots` are left out.
pub fn circles_across_folders(sources: &Path, roots: &[&str]) -> Vec<String> {
    let uses = uses(sources, roots);
    let circle = |module: &Module| -> Vec<Module> {
        let comes_back = |it: &&&Module| reached(&uses, it).contains(module);
        reached(&uses, module).iter().filter(comes_back).map(|it| (*it).clone()).collect()
    };
    let circles: BTreeSet<_> = uses.keys().map(circle).collect();
    // What is above stands before what is below it.
    let crosses = |circle: &&Vec<Module>| circle.iter().any(|it| !it.starts_with(&circle[0]));
    let line = |circle: &Vec<Module>| circle.iter().map(|it| it.join("::")).collect::<Vec<_>>().join(", ");
    circles.iter().filter(crosses).map(line).collect()
}

/// Which module uses which.
fn uses(sources: &Path, roots: &[&str]) -> BTreeMap<Module, BTreeSet<Module>> {
    let mut modules = BTreeMap::new();
    for (path, code) in codes(sources) {
        let module = path.strip_prefix(sources).unwrap().with_extension("");
        let module = if module.ends_with("mod") { module.parent().unwrap().to_owned() } else { module };
        let module: Module = module.iter().map(|it| it.to_str().unwrap().to_owned()).collect();
        if module.first().is_some_and(|first| !roots.contains(&first.as_str())) {
            modules.insert(module, code);
        }
    }
    modules.iter().map(|(own, code)| (own.clone(), used(own, code, &modules))).collect()
}

/// All that a module uses, and what these use, and so on.
fn reached<'a>(uses: &'a BTreeMap<Module, BTreeSet<Module>>, start: &'a Module) -> BTreeSet<&'a Module> {
    let (mut reached, mut next) = (BTreeSet::new(), vec![start]);
    while let Some(module) = next.pop() {
        next.extend(uses[module].iter().filter(|it| reached.insert(*it)));
    }
    reached
}

/// The modules that a module uses. What stands behind `super::` or `crate::` is the longest path that is a module; a child is
/// named without either.
fn used(own: &[String], code: &str, modules: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    const UP: &str = "super::";
    let of_crate = code.split("crate::").skip(1).map(|after| (&[][..], after));
    let above = code.match_indices(UP).filter(|(at, _)| !code[at + UP.len()..].starts_with(UP));
    let above = above.filter_map(|(at, _)| {
        let steps = (1..=own.len()).take_while(|it| code[..at + UP.len()].ends_with(&UP.repeat(*it))).count();
        Some((&own[..own.len().checked_sub(steps)?], &code[at + UP.len()..]))
    });
    let mut found = BTreeSet::new();
    for (base, after) in of_crate.chain(above) {
        for path in paths(after) {
            let full = [base, &path].concat();
            let longest = (1..=full.len()).rev().find(|length| modules.contains_key(&full[..*length]));
            found.extend(longest.map(|length| full[..length].to_vec()));
        }
    }
    for child in modules.keys().filter(|it| it.len() == own.len() + 1 && it.starts_with(own)) {
        let name = format!("{}::", child[own.len()]);
        let is_named = |(at, _): (usize, &str)| {
            !code[..at].ends_with(|before: char| before.is_alphanumeric() || "_:".contains(before))
        };
        if code.match_indices(&name).any(is_named) {
            found.insert(child.clone());
        }
    }
    found.remove(own);
    found
}

/// The paths of a tree like `a::{b, c::D}`, from its first word on.
fn paths(text: &str) -> Vec<Vec<String>> {
    let name: String = text.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect();
    if !name.is_empty() {
        let below = text[name.len()..].strip_prefix("::").map(paths).unwrap_or_default();
        let below = if below.is_empty() { vec![Vec::new()] } else { below };
        return below.into_iter().map(|path| [vec![name.clone()], path].concat()).collect();
    }
    let Some(list) = text.strip_prefix('{') else { return Vec::new() };
    let (mut depth, mut begin, mut found) = (0, 0, Vec::new());
    for (at, it) in list.char_indices() {
        match it {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                found.extend(paths(list[begin..at].trim_start()));
                begin = at + 1;
                if it == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    found
}

/// The files of `sources` with their code: without comments and tests.
pub fn codes(sources: &Path) -> Vec<(PathBuf, String)> {
    let paths = files(sources).into_iter().filter(|path| !path.ends_with("tests.rs"));
    paths.map(|path| (path.clone(), code(&fs::read_to_string(path).unwrap()))).collect()
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found
}

/// Without comments, and without the module of the tests.
fn code(text: &str) -> String {
    let (before, after) = match text.split_once("\nmod tests {\n") {
        Some((before, tests)) => (before, tests.split_once("\n}\n").map_or("", |(_, after)| after)),
        None => (text, ""),
    };
    let lines = before.lines().chain(after.lines());
    lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The names behind `prefix`; those in braces, too.
fn named(code: &str, prefix: &str) -> BTreeSet<String> {
    let word =
        |text: &str| text.chars().take_while(|it| it.is_alphanumeric() || *it == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for after in code.split(prefix).skip(1) {
        let Some(list) = after.strip_prefix('{') else {
            names.insert(word(after));
            continue;
        };
        let (mut depth, mut begins) = (0, true);
        for (at, it) in list.char_indices() {
            match it {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                _ if begins && !it.is_whitespace() => {
                    names.insert(word(&list[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    names
}
