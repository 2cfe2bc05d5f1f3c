package org.attune.cli.mcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;

import org.attune.cli.Main;
import org.attune.cli.ShortProgram;
import org.attune.json.Json;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/// The commands of `docs/skill/SKILL.md`, all of them in their order, on the embedded model.
@DisabledOnOs(OS.WINDOWS)
class SkillTest {
    private static final Path ROOT =
            Path.of(System.getProperty("attune.root", "..")).toAbsolutePath().normalize();
    private static final Pattern BLOCK = Pattern.compile("(?ms)^```sh\n(.*?)^```");

    @TempDir private Path folder;

    private static String skill() throws IOException {
        return Files.readString(ROOT.resolve("docs/skill/SKILL.md"));
    }

    private static String commands() throws IOException {
        var commands = new StringBuilder();
        BLOCK.matcher(skill()).results().forEach(block -> commands.append(block.group(1)));
        return commands.toString();
    }

    /// Agents read the front matter first, and only its description.
    @Test
    void theFrontMatterNamesTheSkill() throws IOException {
        List<String> lines = skill().lines().toList();
        assertEquals("---", lines.get(0));
        assertEquals("name: attune", lines.get(1));
        assertTrue(lines.get(2).startsWith("description: "), lines.get(2));
        assertTrue(lines.get(2).length() < 1024, "agents cut longer ones");
        assertEquals("---", lines.get(3));
        for (String command : List.of("preview", "sft", "eval", "serve", "auto", "merge")) {
            assertTrue(commands().contains("\nattune " + command), command);
        }
    }

    @Test
    @Tag("thorough")
    void theCommandsLeadFromADataFileToAServedModel() throws Exception {
        assumeTrue(new ProcessBuilder("curl", "--version").start().waitFor() == 0, "no curl");
        writeData();
        String model = "MODEL='%s'".formatted(ROOT.resolve("examples/model"));
        String commands =
                commands().replaceFirst("(?m)^MODEL=.*$", model).replace("8123", freePort());
        Path attune = Files.createDirectory(folder.resolve("bin")).resolve("attune");
        Files.writeString(
                attune,
                """
                #!/usr/bin/env bash
                exec '%s' -cp '%s' %s "$@"
                """
                        .formatted(
                                String.join("' '", ShortProgram.java()),
                                System.getProperty("java.class.path"),
                                Main.class.getName()));
        assertTrue(attune.toFile().setExecutable(true));
        Path script = folder.resolve("skill.sh");
        String path = "PATH='%s':$PATH\n".formatted(attune.getParent());
        Files.writeString(script, "set -euxo pipefail\n" + path + commands);
        Path printed = folder.resolve("printed");
        Process process =
                new ProcessBuilder("bash", script.toString())
                        .directory(folder.toFile())
                        .redirectErrorStream(true)
                        .redirectOutput(printed.toFile())
                        .start();
        try {
            assertTrue(process.waitFor(10, TimeUnit.MINUTES), "it takes too long");
        } finally {
            process.descendants().forEach(ProcessHandle::destroy);
        }
        String all = Files.readString(printed);
        assertEquals(0, process.exitValue(), all);
        assertTrue(all.contains("⟦0 0 1 2<|end|>⟧"), all);
        assertTrue(all.contains("difference"), all);
        assertTrue(all.contains("\"object\": \"chat.completion\""), all);
        assertTrue(Files.exists(folder.resolve("merged/model.safetensors")), all);
        assertTrue(Files.exists(folder.resolve("table-model/report.html")), all);
    }

    private static String freePort() throws IOException {
        try (var socket = new ServerSocket(0)) {
            return String.valueOf(socket.getLocalPort());
        }
    }

    private void writeData() throws IOException {
        List<String> rows = new ArrayList<>();
        List<String> questions = new ArrayList<>();
        List<String> table = new ArrayList<>(List.of("question,answer"));
        List<String> pairs = Files.readAllLines(ROOT.resolve("examples/quickstart/pairs.jsonl"));
        for (String line : pairs.subList(0, 40)) {
            JsonNode pair = Json.tree(line);
            var row = Json.object();
            row.set("prompt", pair.path("prompt"));
            row.set("completion", pair.path("chosen"));
            rows.add(Json.compact(row));
            String question = pair.path("prompt").path(0).path("content").textValue();
            String answer = pair.path("chosen").path(0).path("content").textValue();
            questions.add(
                    Json.compact(Json.object().put("prompt", question).put("answer", answer)));
            table.add(question + "," + answer);
        }
        Files.write(folder.resolve("data.jsonl"), rows);
        Files.write(folder.resolve("questions.jsonl"), questions.subList(0, 6));
        Files.write(folder.resolve("table.csv"), table);
    }
}
