package org.attune.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/// The script `attune` as an unpacked distribution has it, with a JDK that only says how it was
/// called.
class LauncherTest {
    private static final Path ROOT = Path.of(System.getProperty("attune.root", ".."));

    @TempDir Path folder;
    private Path home;
    private Path jdk;

    @BeforeEach
    void unpack() throws IOException {
        assumeTrue(new File("/usr/bin/env").canExecute(), "no env to find bash with");
        home = Files.createDirectories(folder.resolve("attune"));
        Files.createDirectory(home.resolve("lib"));
        Files.copy(ROOT.resolve("attune"), home.resolve("attune"));
        for (String name : List.of("launch.conf", "compiler.json")) {
            Files.copy(ROOT.resolve("cli/src/main/dist").resolve(name), home.resolve(name));
        }
        jdk = Files.createDirectories(folder.resolve("jdk"));
        Files.writeString(jdk.resolve("release"), "JAVA_VERSION=\"25\"\n");
        Path java = Files.createDirectories(jdk.resolve("bin")).resolve("java");
        Files.writeString(java, "#!/usr/bin/env bash\nprintf '%s\\n' \"$@\"\n");
        assertTrue(java.toFile().setExecutable(true));
    }

    private record Ran(int code, List<String> lines) {}

    private Ran run(String classPath, String... words) throws IOException, InterruptedException {
        var builder = new ProcessBuilder("/usr/bin/env", "bash", home.resolve("attune").toString());
        builder.command().addAll(List.of(words));
        Map<String, String> environment = builder.environment();
        environment.put("JAVA_HOME", jdk.toString());
        environment.put("ATTUNE_CLASSPATH", classPath);
        environment.remove("ATTUNE_JAVA_OPTS");
        Process process = builder.directory(folder.toFile()).redirectErrorStream(true).start();
        String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ran(process.waitFor(), text.lines().toList());
    }

    private static String classPath(Ran ran) {
        return ran.lines().get(ran.lines().indexOf("-cp") + 1);
    }

    @Test
    void ownClassesStandBehindAttunesWithAbsolutePaths() throws Exception {
        Files.createDirectory(folder.resolve("jars"));
        Files.writeString(folder.resolve("my own.jar"), "");
        Ran ran = run("my own.jar:jars/*::" + folder.resolve("jars"), "version");
        assertEquals(0, ran.code(), ran.toString());
        assertEquals(
                home.toRealPath().resolve("lib/*")
                        + ":%s/my own.jar:%s/jars/*:%s/jars".formatted(here(), here(), folder),
                classPath(ran));
        assertEquals(home.toRealPath().resolve("lib/*").toString(), classPath(run("", "version")));
    }

    /// As the shell has it.
    private String here() throws IOException {
        return folder.toRealPath().toString();
    }

    @Test
    void whatIsNotThereIsAnError() throws Exception {
        Ran ran = run("none.jar", "version");
        assertEquals(1, ran.code());
        assertTrue(
                ran.lines().getFirst().contains("none.jar, which does not exist"), ran.toString());
    }

    @Test
    void theArchiveOfClassesIsWrittenWithoutOwnClassesOnly() throws Exception {
        String create = "-XX:+AutoCreateSharedArchive";
        String file = "-XX:SharedArchiveFile=" + home.toRealPath().resolve("classes.jsa");
        assertTrue(run("", "sft", "run.yaml").lines().containsAll(List.of(create, file)));
        Ran fresh = run("jdk", "sft", "run.yaml");
        assertFalse(fresh.lines().contains(create), fresh.toString());
        assertFalse(fresh.lines().contains(file), fresh.toString());
        Files.writeString(home.resolve("classes.jsa"), "");
        Ran served = run("jdk", "sft", "run.yaml");
        assertFalse(served.lines().contains(create), served.toString());
        assertTrue(served.lines().contains(file), served.toString());
        assertFalse(
                run("jdk", "bench", "sft").lines().stream()
                        .anyMatch(l -> l.startsWith("-Dattune.archive")));
    }
}
