package org.attune.agents.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.agents.sandbox.PythonHome;
import org.attune.agents.sandbox.SandboxConfig;
import org.attune.agents.tool.ToolContext;
import org.attune.agents.tool.ToolSet;
import org.attune.episode.EpisodeId;
import org.attune.episode.EpisodeStart;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Packages of Python that were installed into a folder or a virtual environment. That with numpy
/// needs `-Dattune.numpy=FOLDER`, filled by `pip install numpy --target FOLDER`.
@Tag("thorough")
class PythonPackagesTest {
    private static final EpisodeStart START =
            new EpisodeStart(new EpisodeId(0, 0), Map.of(), 1, 0, 0);
    private static final String NUMPY =
            """
            import numpy
            from multiprocessing import shared_memory
            a = numpy.random.default_rng(0).normal(size=(200, 200))
            print(bool(numpy.allclose(a @ numpy.linalg.inv(a), numpy.eye(200))), numpy.linalg.svd(a)[1].shape)
            numpy.save("a.npy", a)
            print(bool((numpy.load("a.npy", mmap_mode="r") == a).all()), numpy.fft.fft(a[0]).dtype)
            s = shared_memory.SharedMemory(create=True, size=8000)
            x = numpy.ndarray((1000,), buffer=s.buf); x[:] = 2; print(int(x.sum())); del x
            s.close(); s.unlink()
            """;

    @TempDir Path folder;

    @BeforeEach
    void letOthersRead() throws Exception {
        assumeTrue(PythonHome.find().isPresent(), "there is no Python");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwxr-xr-x"));
    }

    private static String run(String code, List<Path> read, Optional<Path> python)
            throws Exception {
        CodeConfig config =
                CodeConfig.DEFAULTS
                        .withTimeout(Duration.ofSeconds(60))
                        .withSandbox(SandboxConfig.DEFAULTS.withRequire(Set.of()).withRead(read));
        var context =
                new ToolContext(START, 0, 0, RandomSource.SPLIT_MIX_64.create(1), Instant.MAX);
        try (var tools = CodeTools.open(Map.of(Language.PYTHON, "python"), config, python);
                ToolSet episode = tools.open(START)) {
            return episode.tools().getFirst().call(Map.of("code", code), context).text();
        }
    }

    @Test
    void thoseInAFolderThatMayBeReadAreFound() throws Exception {
        Path installed = Files.createDirectories(folder.resolve("lib/installed"));
        Files.writeString(installed.resolve("__init__.py"), "from .part import VALUE\n");
        Files.writeString(installed.resolve("part.py"), "VALUE = 5\n");
        String code = "import installed; print(installed.VALUE)";
        assertEquals("5", run(code, List.of(installed.getParent()), Optional.empty()));
    }

    @Test
    void thoseOfAVirtualEnvironmentAreFound() throws Exception {
        Path home = folder.resolve("venv");
        String python = PythonHome.find().get().program().toString();
        Process process =
                new ProcessBuilder(python, "-m", "venv", "--without-pip", home.toString())
                        .inheritIO()
                        .start();
        assumeTrue(process.waitFor() == 0, "this Python makes no virtual environments");
        Path program = home.resolve("bin/python");
        try (var libraries = Files.newDirectoryStream(home.resolve("lib"), "python*")) {
            Path packages = libraries.iterator().next().resolve("site-packages");
            Files.writeString(packages.resolve("installed.py"), "VALUE = 6\n");
        }
        String code = "import installed, sys; print(installed.VALUE, sys.prefix)";
        assertEquals("6 " + home, run(code, List.of(), Optional.of(program)));
    }

    @Test
    void numpyComputes() throws Exception {
        String installed = System.getProperty("attune.numpy");
        assumeTrue(installed != null, "-Dattune.numpy names no folder with numpy");
        assertEquals(
                "True (200,)\nTrue complex128\n2000",
                run(NUMPY, List.of(Path.of(installed)), Optional.empty()));
    }
}
