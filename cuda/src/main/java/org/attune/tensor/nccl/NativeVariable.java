package org.attune.tensor.nccl;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;

/// Variables of the environment as native libraries see them; Java's own view of them stays as it
/// was at the start.
@SuppressWarnings("restricted")
final class NativeVariable {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final ValueLayout.OfLong L = ValueLayout.JAVA_LONG;
    private static final ValueLayout.OfInt I = ValueLayout.JAVA_INT;

    private NativeVariable() {}

    /// Gives a variable a value if it has none. Does nothing where there is no `setenv`, as on
    /// Windows, where NCCL isn't either.
    static void setUnlessSet(String name, String value) {
        SymbolLookup system = LINKER.defaultLookup();
        MemorySegment setenv = system.find("setenv").orElse(null);
        if (setenv == null) {
            return;
        }
        try (var arena = Arena.ofConfined()) {
            int _ =
                    (int)
                            LINKER.downcallHandle(setenv, FunctionDescriptor.of(I, L, L, I))
                                    .invokeExact(
                                            arena.allocateFrom(name).address(),
                                            arena.allocateFrom(value).address(),
                                            0);
        } catch (Throwable t) {
            throw new IllegalStateException("setenv can't be called", t);
        }
    }
}
