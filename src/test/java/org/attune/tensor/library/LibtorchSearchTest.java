package org.attune.tensor.library;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

class LibtorchSearchTest {
    @TempDir Path root;

    /// A Python environment with torch.
    private Path environment(String name, String version, boolean cuda) throws IOException {
        Path torch = root.resolve(name).resolve("lib/python3.12/site-packages/torch");
        libraries(torch.resolve("lib"), cuda);
        Files.writeString(
                torch.resolve("version.py"), "from x import y\n__version__ = '" + version + "'\n");
        return root.resolve(name);
    }

    private static void libraries(Path folder, boolean cuda) throws IOException {
        Files.createDirectories(folder);
        Files.createFile(folder.resolve(System.mapLibraryName("torch_cpu")));
        if (cuda) {
            Files.createFile(folder.resolve(System.mapLibraryName("torch_cuda")));
        }
    }

    private static Optional<LibtorchFolder> find(
            Map<String, String> environment, String property, boolean driver) {
        return new LibtorchSearch(environment, property, () -> driver).find();
    }

    @Test
    void withoutAnythingSetItIsAttunesOwn() {
        assertEquals(Optional.empty(), find(Map.of(), null, true));
        assertEquals(Optional.empty(), find(Map.of("ATTUNE_LIBTORCH", " "), "", true));
    }

    @Test
    void aFolderMayBeNamedAtAnyLevel() throws IOException {
        Path venv = environment("venv", "2.11.0+cu130", true);
        Path lib = venv.resolve("lib/python3.12/site-packages/torch/lib");
        for (Path named : new Path[] {venv, lib.getParent().getParent(), lib.getParent(), lib}) {
            var expected = new LibtorchFolder(lib, "ATTUNE_LIBTORCH");
            assertEquals(
                    Optional.of(expected),
                    find(Map.of("ATTUNE_LIBTORCH", named.toString()), null, false));
        }
        var found = new LibtorchFolder(lib, "test");
        assertEquals(Optional.of("2.11.0+cu130"), found.versionText());
        assertTrue(found.hasCuda());
    }

    @Test
    void thePropertyComesBeforeTheVariable() throws IOException {
        Path one = environment("one", "2.11.0", false);
        Path other = environment("other", "2.15.0", false);
        var variables = Map.of("ATTUNE_LIBTORCH", one.toString());
        var found = find(variables, other.toString(), false).orElseThrow();
        assertEquals("-Dattune.libtorch", found.origin());
        assertEquals(Optional.of("2.15.0"), found.versionText());
        assertEquals(Optional.empty(), find(variables, "default", false));
    }

    @Test
    void anUnpackedLibtorchTellsItsVersion() throws IOException {
        Path unpacked = root.resolve("libtorch");
        libraries(unpacked.resolve("lib"), false);
        Files.writeString(unpacked.resolve("build-version"), "2.12.1+cpu\n");
        var variables = Map.of("PYTORCH_LIBRARY_PATH", unpacked.resolve("lib").toString());
        var found = find(variables, null, false).orElseThrow();
        assertEquals(Optional.of("2.12.1+cpu"), found.versionText());
        assertFalse(found.hasCuda());
        assertEquals("2.12.1+cpu in " + unpacked.resolve("lib"), found.toString());
    }

    /// Else the numbers of a run would depend on which environment happens to be active.
    @Test
    void anActiveEnvironmentIsTakenForAGpuOnly() throws IOException {
        String cuda = environment("cuda", "2.11.0+cu130", true).toString();
        String cpu = environment("cpu", "2.11.0+cpu", false).toString();
        String old = environment("old", "2.9.1+cu128", true).toString();
        assertEquals(Optional.empty(), find(Map.of("VIRTUAL_ENV", cuda), null, false));
        assertEquals(Optional.empty(), find(Map.of("VIRTUAL_ENV", cpu), null, true));
        assertEquals(Optional.empty(), find(Map.of("VIRTUAL_ENV", old), null, true));
        var found = find(Map.of("CONDA_PREFIX", cuda), null, true).orElseThrow();
        assertEquals("CONDA_PREFIX", found.origin());
        assertEquals(
                "VIRTUAL_ENV",
                find(Map.of("VIRTUAL_ENV", cpu, "ATTUNE_LIBTORCH", "environment"), null, false)
                        .orElseThrow()
                        .origin());
    }

    @Test
    void whatIsNamedMustBeThere() {
        var nowhere = Map.of("ATTUNE_LIBTORCH", root.toString());
        String message =
                assertThrows(ConfigException.class, () -> find(nowhere, null, false)).getMessage();
        assertTrue(message.startsWith("ATTUNE_LIBTORCH: " + root + " has no"), message);
        message =
                assertThrows(
                                ConfigException.class,
                                () -> find(Map.of("VIRTUAL_ENV", "/x"), "environment", false))
                        .getMessage();
        assertTrue(message.contains("VIRTUAL_ENV is \"/x\""), message);
    }

    @Test
    void versionsSayWhatCanBeUsed() {
        assertEquals(new LibtorchVersion(2, 11, 0), LibtorchVersion.ofAbi(0x020b_0000_0000_0000L));
        assertEquals(
                Optional.of(new LibtorchVersion(2, 15, 3)), LibtorchVersion.parse("2.15.3+cu132"));
        assertEquals(Optional.empty(), LibtorchVersion.parse("main"));
        for (String usable : new String[] {"2.7.1", "2.10.0", "2.11.0a0+git1", "3.0.0"}) {
            assertTrue(LibtorchVersion.parse(usable).orElseThrow().isUsable(), usable);
        }
        for (String unusable : new String[] {"1.13.1", "2.7.0", "2.8.0", "2.9.1"}) {
            assertFalse(LibtorchVersion.parse(unusable).orElseThrow().isUsable(), unusable);
        }
    }
}
