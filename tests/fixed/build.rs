//! Links this package's tests with a memory that cannot grow. Of options that are given twice the linker takes the last, and those of
//! a build script stand behind those of the build.

/// Bytes: data, the first agent's stack, the region of the tests, and room for what std itself allocates.
const MEMORY: u32 = 64 << 20;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|found| found == value);
    if is("CARGO_CFG_TARGET_ARCH", "wasm32") {
        println!("cargo::rustc-link-arg-tests=--initial-memory={MEMORY}");
        println!("cargo::rustc-link-arg-tests=--max-memory={MEMORY}");
    }
}
