package org.attune.tensor.gpu;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/// CUDA's compiler as a library, which comes with torch for CUDA. It needs neither a GPU nor a
/// driver.
@SuppressWarnings("restricted")
final class Nvrtc {
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;

    private final SymbolLookup library;
    private final MethodHandle create;
    private final MethodHandle compile;
    private final MethodHandle destroy;

    private Nvrtc(Path file) {
        library = SymbolLookup.libraryLookup(file, Arena.global());
        create = function("CreateProgram", L, L, L, I, L, L);
        compile = function("CompileProgram", L, I, L);
        destroy = function("DestroyProgram", L);
    }

    /// Machine code for one kind of GPU.
    ///
    /// @param code a cubin
    /// @param log what the compiler says: each kernel's registers, and what it spills
    public record Compiled(byte[] code, String log) {}

    /// Finds it beside a libtorch that pip installed.
    ///
    /// @param libtorch folder of the libraries
    public static Optional<Nvrtc> beside(Path libtorch) {
        Path packages = libtorch.resolve("../../nvidia").normalize();
        if (!Files.isDirectory(packages)) {
            return Optional.empty();
        }
        try (Stream<Path> files = Files.find(packages, 4, (file, _) -> isLibrary(file))) {
            return files.sorted().findFirst().map(Nvrtc::new);
        } catch (IOException _) {
            return Optional.empty();
        }
    }

    private static boolean isLibrary(Path file) {
        return file.getFileName().toString().matches("libnvrtc\\.so\\.\\d+");
    }

    private MethodHandle function(String name, MemoryLayout... arguments) {
        MemorySegment symbol = library.find("nvrtc" + name).orElseThrow();
        return Linker.nativeLinker().downcallHandle(symbol, FunctionDescriptor.of(I, arguments));
    }

    /// Compiles a program.
    ///
    /// @param source in CUDA C++
    /// @param architecture e.g. `sm_90`
    /// @throws IllegalArgumentException with the compiler's log if it refuses the source
    public Compiled compile(String source, String architecture) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(L);
            check(
                    (int)
                            create.invokeExact(
                                    out.address(),
                                    arena.allocateFrom(source).address(),
                                    arena.allocateFrom("attune.cu").address(),
                                    0,
                                    0L,
                                    0L));
            long program = out.get(L, 0);
            try {
                int error = compile(program, architecture, arena);
                String log =
                        new String(piece(program, "ProgramLog", arena), StandardCharsets.UTF_8)
                                .strip();
                if (error != 0) {
                    throw new IllegalArgumentException(
                            "attune.cu for %s: %s".formatted(architecture, log));
                }
                return new Compiled(piece(program, "CUBIN", arena), log);
            } finally {
                int _ = (int) destroy.invokeExact(out.address());
            }
        } catch (RuntimeException e) {
            throw e;
        } catch (Throwable t) {
            throw new IllegalStateException("NVRTC can't be called", t);
        }
    }

    private int compile(long program, String architecture, Arena arena) throws Throwable {
        List<String> options =
                List.of("--gpu-architecture=" + architecture, "--std=c++17", "--ptxas-options=-v");
        MemorySegment array = arena.allocate(L, options.size());
        for (int i = 0; i < options.size(); i++) {
            array.setAtIndex(L, i, arena.allocateFrom(options.get(i)).address());
        }
        return (int) compile.invokeExact(program, options.size(), array.address());
    }

    /// A result by the names of its two functions.
    private byte[] piece(long program, String what, Arena arena) throws Throwable {
        MemorySegment size = arena.allocate(L);
        check((int) function("Get" + what + "Size", L, L).invokeExact(program, size.address()));
        MemorySegment bytes = arena.allocate(Math.max(1, size.get(L, 0)));
        check((int) function("Get" + what, L, L).invokeExact(program, bytes.address()));
        return bytes.toArray(ValueLayout.JAVA_BYTE);
    }

    private static void check(int error) {
        if (error != 0) {
            throw new IllegalStateException("NVRTC failed with error " + error);
        }
    }
}
