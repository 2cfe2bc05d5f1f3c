package org.attune.agents.builtin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.attune.agents.sandbox.Sandbox;
import org.attune.agents.sandbox.SandboxConfig;
import org.attune.agents.spec.RunTools;
import org.attune.error.ConfigException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

class CodeEntryTest {
    @TempDir Path folder;

    private CodeTools parsed(Object entry) {
        RunTools run = RunTools.parse(entry, null, folder);
        return assertInstanceOf(CodeTools.class, run.tools().getFirst());
    }

    @Test
    void aNameAloneTakesTheDefaults() throws Exception {
        try (var here = Sandbox.open(SandboxConfig.DEFAULTS.withRequire(Set.of()))) {
            assumeTrue(here.guarantees().holdAll(), "the defaults need more than is here");
        }
        try (CodeTools tools = parsed("java")) {
            assertEquals(CodeConfig.DEFAULTS, tools.config());
            assertEquals(Map.of(Language.JAVA, "java"), tools.names());
        }
    }

    @Test
    void everyKeyMaps() throws Exception {
        assumeTrue(Files.isExecutable(Path.of("/bin/sh")));
        Path tables = Files.createDirectory(folder.resolve("tables"));
        Map<String, Object> entry = new HashMap<>(Map.of("name", "sh", "require", List.of()));
        entry.putAll(
                Map.of(
                        "as",
                        "shell",
                        "with",
                        List.of("java"),
                        "timeout",
                        2.5,
                        "memory",
                        "300 MiB",
                        "processes",
                        5,
                        "disk",
                        "2MiB",
                        "max_characters",
                        500,
                        "session",
                        true,
                        "read",
                        List.of("tables")));
        try (CodeTools tools = parsed(entry)) {
            assertEquals(Map.of(Language.SH, "shell", Language.JAVA, "java"), tools.names());
            assertEquals(
                    new CodeConfig(
                            new SandboxConfig(300 << 20, 5, 2 << 20, Set.of(), List.of(tables)),
                            Duration.ofMillis(2500),
                            500,
                            true),
                    tools.config());
        }
    }

    @Test
    void whatIsWrongIsRefusedTogether() {
        ConfigException e =
                assertThrows(
                        ConfigException.class,
                        () ->
                                parsed(
                                        Map.of(
                                                "name",
                                                "java",
                                                "timeout",
                                                0,
                                                "memory",
                                                "much",
                                                "require",
                                                List.of("files", "quiet"),
                                                "with",
                                                List.of("perl"),
                                                "colour",
                                                "red")));
        assertEquals(
                "tools[0]: with names further tools in the same folder, of python, java and sh; got"
                    + " \"perl\"; timeout must be a positive number of seconds, got 0.0; memory"
                    + " must be a size such as 8GiB, 6.5GB or 900MiB, got much; require takes"
                    + " files, network, memory, processes and disk, got \"quiet\"; \"colour\" is no"
                    + " parameter; known are as, with, timeout, memory, processes, disk, require,"
                    + " read, max_characters, session, program",
                e.getMessage());
    }
}
