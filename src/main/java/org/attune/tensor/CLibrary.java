package org.attune.tensor;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.invoke.MethodHandle;

/// Functions of the C library.
@SuppressWarnings("restricted")
final class CLibrary {
    private CLibrary() {}

    /// @throws IllegalStateException if the system has no such function
    static MethodHandle function(String name, FunctionDescriptor form) {
        var linker = Linker.nativeLinker();
        return linker.defaultLookup()
                .find(name)
                .map(symbol -> linker.downcallHandle(symbol, form))
                .orElseThrow(() -> new IllegalStateException("there is no " + name));
    }

    /// What a function that returns an `int` says.
    static int number(MethodHandle function, Object... arguments) {
        try {
            return (int) function.invokeWithArguments(arguments);
        } catch (Throwable t) {
            throw new IllegalStateException("a function of the C library could not be called", t);
        }
    }
}
