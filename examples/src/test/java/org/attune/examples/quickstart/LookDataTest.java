package org.attune.examples.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.images.Picture;
import org.attune.model.config.DecoderConfig;
import org.attune.reward.task.Split;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

final class LookDataTest {
    private static final Path COMMITTED =
            Path.of(System.getProperty("attune.root", ".."), "examples", "quickstart");

    @TempDir Path folder;

    private static final String HELD_OUT = "look-heldout.jsonl";
    private static final String PROMPTS = "look-prompts.jsonl";
    private static final String PROMPTS_HELD_OUT = "look-prompts-heldout.jsonl";

    @Test
    void theCommittedFilesAreWhatTheGeneratorWrites() throws IOException {
        LookData.write(folder);
        for (String name : List.of(HELD_OUT, PROMPTS, PROMPTS_HELD_OUT, "look.png")) {
            assertEquals(-1, Files.mismatch(COMMITTED.resolve(name), folder.resolve(name)), name);
        }
    }

    @Test
    void digitsOfHeldOutPicturesAreNotAmongTheOthers() {
        var random = RandomSource.XO_SHI_RO_256_PP.create(1L);
        Set<List<Integer>> known = new HashSet<>();
        for (DrawnDigits problem : DrawnDigits.draw(3000, Split.TRAIN, random)) {
            known.add(problem.digits());
            assertNotEquals(problem.byRow(), problem.byColumn());
        }
        for (DrawnDigits problem : DrawnDigits.draw(500, Split.HELD_OUT, random)) {
            assertFalse(known.contains(problem.digits()), "drawn before");
        }
    }

    @Test
    void everyPictureIsReadAsItWasDrawn() throws IOException {
        for (String line : Files.readAllLines(COMMITTED.resolve(HELD_OUT))) {
            JsonNode row = new ObjectMapper().readTree(line);
            String address = row.path("image").asText();
            byte[] png = Base64.getDecoder().decode(address.substring(address.indexOf(',') + 1));
            assertEquals("32 x 32", Picture.of("drawn", png).size().toString());
            assertTrue(Picture.of("drawn", png).thumbnail(16).length > 50);
            assertTrue(row.path("answer").asText().matches("\\d \\d \\d \\d"), line);
        }
    }

    /// Who always reads rows, or always columns, is right in about half of them.
    @Test
    void aboutHalfOfThePromptsAskForEachOrder() throws IOException {
        for (String name : List.of(PROMPTS, PROMPTS_HELD_OUT)) {
            List<String> rows = Files.readAllLines(COMMITTED.resolve(name));
            long columns = rows.stream().filter(row -> row.contains("Read the columns.")).count();
            assertEquals(0.5, (double) columns / rows.size(), 0.05, name);
            long others = rows.stream().filter(row -> row.contains("Read the rows.")).count();
            assertEquals(rows.size(), columns + others, name);
        }
    }

    @Test
    void theFolderIsAModelThatSees() throws IOException {
        LookModel.write(folder, RandomSource.XO_SHI_RO_256_PP.create(1L));
        DecoderConfig config = DecoderConfig.read(folder);
        assertTrue(config.vision().isPresent());
        for (String name : List.of("tokenizer.json", "chat_template.jinja")) {
            JsonNode own = tree(folder.resolve(name));
            assertEquals(tree(COMMITTED.resolveSibling("look").resolve(name)), own, name);
        }
    }

    /// What the export changes is the dtype.
    private static JsonNode tree(Path file) throws IOException {
        if (!file.toString().endsWith(".json")) {
            return new ObjectMapper().getNodeFactory().textNode(Files.readString(file));
        }
        JsonNode tree = new ObjectMapper().readTree(file.toFile());
        if (tree instanceof com.fasterxml.jackson.databind.node.ObjectNode object) {
            object.remove("torch_dtype");
            object.remove("dtype");
        }
        return tree;
    }
}
