package org.attune.serve;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

class FrameworksPageTest {
    @Test
    void theProgramWithoutAFrameworkRuns(@TempDir Path folder) throws Exception {
        Path classes = Files.createDirectory(folder.resolve("classes"));
        PagePrograms.compile("org.attune.serve.LocalAnswer;", classes);
        Path adapter = RandomModels.adapter(folder.resolve("adapter"), 1);
        PrintStream console = System.out;
        var said = new ByteArrayOutputStream();
        System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
        try (var programs = new URLClassLoader(new URL[] {classes.toUri().toURL()})) {
            String[] arguments = {ScriptedModels.MODEL.toString(), adapter.toString()};
            programs.loadClass("Ask")
                    .getMethod("main", String[].class)
                    .invoke(null, (Object) arguments);
        } finally {
            System.setOut(console);
        }
        String printed = said.toString(StandardCharsets.UTF_8).strip();
        assertTrue(printed.endsWith("(STOP)") || printed.endsWith("(LENGTH)"), printed);
    }
}
