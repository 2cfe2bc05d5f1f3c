package org.attune.tensor.nccl;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.CollectiveException;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/// As far as goes without a GPU. `-Dattune.nccl=…/libnccl.so.2` names a library that the system's
/// loader doesn't find.
final class NcclLibraryTest {
    private static NcclLibrary library() {
        String named = System.getProperty("attune.nccl", "");
        Optional<NcclLibrary> library =
                named.isEmpty()
                        ? NcclLibrary.find()
                        : Optional.of(NcclLibrary.load(Path.of(named)));
        if (library.isEmpty()) {
            System.out.println("SKIPPED: there is no libnccl.so.2");
        }
        Assumptions.assumeTrue(library.isPresent(), "there is no libnccl.so.2");
        return library.get();
    }

    @Test
    void allFunctionsAreThere() {
        int version = library().version();
        System.out.println("NCCL " + version);
        assertTrue(version > 20_000, "version " + version);
    }

    @Test
    void idsDiffer() {
        byte[] one = library().uniqueId();
        assertEquals(NcclLibrary.ID_BYTES, one.length);
        assertFalse(Arrays.equals(new byte[NcclLibrary.ID_BYTES], one));
        assertFalse(Arrays.equals(one, library().uniqueId()));
    }

    @Test
    void withoutAGpuJoiningFailsInWords() {
        Assumptions.assumeFalse(Path.of("/dev/nvidia0").toFile().exists(), "there is a GPU");
        NcclLibrary library = library();
        byte[] id = library.uniqueId();
        var failure = assertThrows(CollectiveException.class, () -> library.join(id, 0, 1));
        assertTrue(failure.getMessage().startsWith("ncclCommInitRank failed: "), "" + failure);
        System.out.println(failure.getMessage());
    }
}
