package org.attune.tensor.nccl;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// The functions of a library. All but one give `ncclResult_t`, 0 for success; pointers are longs.
record NcclFunctions(
        MethodHandle version,
        MethodHandle errorText,
        MethodHandle lastError,
        MethodHandle uniqueId,
        MethodHandle join,
        MethodHandle asyncError,
        MethodHandle abort,
        MethodHandle leave,
        MethodHandle allReduce,
        MethodHandle allGather,
        MethodHandle broadcast,
        MethodHandle send,
        MethodHandle receive,
        MethodHandle groupStart,
        MethodHandle groupEnd) {
    /// `ncclUniqueId`, which goes by value.
    static final MemoryLayout ID =
            MemoryLayout.structLayout(
                    MemoryLayout.sequenceLayout(NcclLibrary.ID_BYTES, ValueLayout.JAVA_BYTE));

    /// @throws UnsatisfiedLinkError if one is missing
    static NcclFunctions of(SymbolLookup library) {
        var find = new Finder(library);
        return new NcclFunctions(
                find.function("ncclGetVersion", "a"),
                find.text("ncclGetErrorString", "i"),
                find.text("ncclGetLastError", "a"),
                find.function("ncclGetUniqueId", "a"),
                find.function("ncclCommInitRank", "aiUi"),
                find.function("ncclCommGetAsyncError", "aa"),
                find.function("ncclCommAbort", "a"),
                find.function("ncclCommDestroy", "a"),
                find.function("ncclAllReduce", "aanttaa"),
                find.function("ncclAllGather", "aantaa"),
                find.function("ncclBroadcast", "aantiaa"),
                find.function("ncclSend", "antiaa"),
                find.function("ncclRecv", "antiaa"),
                find.function("ncclGroupStart", ""),
                find.function("ncclGroupEnd", ""));
    }

    private record Finder(SymbolLookup library) {
        private static final Linker LINKER = Linker.nativeLinker();

        /// @param arguments a letter each: `a`ddress, cou`n`t, `t`ype or operation, `i`nt, `U`nique
        ///     id
        MethodHandle function(String name, String arguments) {
            return link(name, ValueLayout.JAVA_INT, arguments);
        }

        /// A function that gives a text.
        MethodHandle text(String name, String arguments) {
            return link(name, ValueLayout.JAVA_LONG, arguments);
        }

        @SuppressWarnings("restricted")
        private MethodHandle link(String name, MemoryLayout result, String arguments) {
            MemorySegment symbol =
                    library.find(name)
                            .orElseThrow(
                                    () -> new UnsatisfiedLinkError("the library has no " + name));
            MemoryLayout[] layouts =
                    arguments
                            .chars()
                            .mapToObj(kind -> layout((char) kind))
                            .toArray(MemoryLayout[]::new);
            return LINKER.downcallHandle(symbol, FunctionDescriptor.of(result, layouts));
        }

        private static MemoryLayout layout(char kind) {
            return switch (kind) {
                case 'a', 'n' -> ValueLayout.JAVA_LONG;
                case 'U' -> ID;
                default -> ValueLayout.JAVA_INT;
            };
        }
    }
}
