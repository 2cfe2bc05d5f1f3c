package org.attune.program;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

class ProgramSearchTest {
    @TempDir Path folder;

    private String problem(String program) {
        return ProgramSearch.problem(program, folder).orElseThrow();
    }

    @Test
    void aProgramOfTheSearchPathOrOfTheFolderIsFound() throws IOException {
        assertEquals(Optional.empty(), ProgramSearch.problem("sh", folder));
        Path script = Files.writeString(folder.resolve("run.sh"), "#!/bin/sh");
        assertTrue(script.toFile().setExecutable(true));
        assertEquals(Optional.of(script), ProgramSearch.find("./run.sh", folder));
        assertEquals(Optional.of(script), ProgramSearch.find(script.toString(), Path.of("/")));
        assertEquals(Optional.empty(), ProgramSearch.find("run.sh", folder));
    }

    @Test
    void whatCannotBeStartedIsToldWithItsRemedy() throws IOException {
        assertEquals(
                "there is no program \"no-such-program-here\" in the folders of PATH; install it,"
                        + " or write its path",
                problem("no-such-program-here"));
        assertTrue(problem("sleepp").contains("did you mean \"sleep\"?"));
        assertEquals(
                "there is no program %s; write a path that starts at %s, or an absolute one"
                        .formatted(folder.resolve("run.sh"), folder),
                problem("./run.sh"));
        Path script = Files.writeString(folder.resolve("run.sh"), "echo");
        assertEquals(
                script
                        + " is not executable; make it so by chmod +x, or begin with the program"
                        + " that reads it, as [sh, ./run.sh]",
                problem("./run.sh"));
        assertEquals(
                folder.resolve("sub") + " is a folder, not a program",
                problem(Files.createDirectory(folder.resolve("sub")).toString()));
    }
}
