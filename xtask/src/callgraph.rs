//! A wasm module as a graph: functions by name, who calls whom, who waits, who calls through a pointer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wasmparser::KnownCustom;
use wasmparser::{Name, NameSectionReader, Operator, Parser, Payload, TypeRef};

/// What one function's body does, as far as the checks care.
#[derive(Default, Debug, Clone)]
pub struct Function {
    /// Its name, or `func N`.
    pub name: String,
    /// The functions that it calls by index.
    pub calls: BTreeSet<usize>,
    /// Its `memory.atomic.wait32` and `memory.atomic.wait64` instructions.
    pub waits: usize,
    /// Bytes of its body.
    pub size: usize,
    /// Its calls through the function table.
    pub indirect: usize,
    /// Whether it is imported. (Its name may be one of the name section.)
    pub import: bool,
}

/// The module.
#[derive(Default)]
pub struct Graph {
    /// Imported functions first, as in the module's index space.
    pub functions: Vec<Function>,
    /// Exported functions.
    pub exports: BTreeMap<String, usize>,
}

impl Graph {
    /// Reads a module that has its name section.
    ///
    /// # Errors
    /// When it is not a module, or has no names.
    pub fn read(wasm: &[u8]) -> Result<Self, String> {
        let mut graph = Self::default();
        let mut named = 0;
        let mut bodies = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload.map_err(text)? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import.map_err(text)?;
                        if matches!(import.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                            graph.functions.push(Function {
                                name: format!("import {}.{}", import.module, import.name),
                                import: true,
                                ..Function::default()
                            });
                        }
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export.map_err(text)?;
                        if export.kind == wasmparser::ExternalKind::Func {
                            let index = export.index as usize;
                            graph.exports.insert(export.name.to_owned(), index);
                        }
                    }
                }
                Payload::CodeSectionEntry(body) => {
                    let mut function = Function {
                        name: format!("func {}", graph.functions.len() + bodies.len()),
                        size: body.range().len(),
                        ..Function::default()
                    };
                    for operator in body.get_operators_reader().map_err(text)? {
                        read_operator(&mut function, &operator.map_err(text)?);
                    }
                    bodies.push(function);
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        graph.functions.append(&mut bodies);
                        named += graph.read_names(names)?;
                    }
                }
                _ => {}
            }
        }
        if named == 0 {
            return Err("the module has no function names".into());
        }
        Ok(graph)
    }

    fn read_names(&mut self, names: NameSectionReader<'_>) -> Result<usize, String> {
        let mut named = 0;
        for names in names {
            let Name::Function(names) = names.map_err(text)? else {
                continue;
            };
            for naming in names {
                let naming = naming.map_err(text)?;
                if let Some(function) = self.functions.get_mut(naming.index as usize) {
                    function.name = demangle(naming.name);
                    named += 1;
                }
            }
        }
        Ok(named)
    }

    /// Every function reached from `start` by direct calls, with the function that it was reached from. What `skip` names is
    /// left out; what `end` names is reached, and the way ends there.
    pub fn reach(
        &self,
        start: usize,
        skip: impl Fn(&str) -> bool,
        end: impl Fn(&str) -> bool,
    ) -> BTreeMap<usize, usize> {
        let mut from = BTreeMap::from([(start, start)]);
        let mut queue = VecDeque::from([start]);
        while let Some(index) = queue.pop_front() {
            if end(&self.functions[index].name) {
                continue;
            }
            for &callee in &self.functions[index].calls {
                let known = from.contains_key(&callee);
                if known || skip(&self.functions[callee].name) {
                    continue;
                }
                from.insert(callee, index);
                queue.push_back(callee);
            }
        }
        from
    }

    /// The names on the way from the start of `reached` to `index`.
    pub fn path(&self, reached: &BTreeMap<usize, usize>, index: usize) -> String {
        let mut names = vec![self.functions[index].name.as_str()];
        let mut at = index;
        while let Some(&from) = reached.get(&at).filter(|&&from| from != at) {
            names.push(&self.functions[from].name);
            at = from;
        }
        names.reverse();
        names.join(" -> ")
    }
}

fn read_operator(function: &mut Function, operator: &Operator<'_>) {
    match operator {
        Operator::Call { function_index } | Operator::ReturnCall { function_index } => {
            function.calls.insert(*function_index as usize);
        }
        Operator::CallIndirect { .. } | Operator::ReturnCallIndirect { .. } => {
            function.indirect += 1;
        }
        Operator::MemoryAtomicWait32 { .. } | Operator::MemoryAtomicWait64 { .. } => {
            function.waits += 1;
        }
        _ => {}
    }
}

/// The path that a symbol names, without hashes.
fn demangle(symbol: &str) -> String {
    let plain = symbol.split(".llvm.").next().unwrap_or(symbol);
    format!("{:#}", rustc_demangle::demangle(plain))
}

fn text(error: wasmparser::BinaryReaderError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_demangled() {
        let symbol = "_RNvNtNtCs6WKK4Oh5NAn_8web_sync3sys7backend5sleep.llvm.11160279451379497175";
        assert_eq!(demangle(symbol), "web_sync::sys::backend::sleep");
        assert_eq!(demangle("release_notify_one"), "release_notify_one");
    }
}
