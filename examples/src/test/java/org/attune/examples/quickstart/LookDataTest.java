package org.attune.examples.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
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

    @Test
    void theCommittedFilesAreWhatTheGeneratorWrites() throws IOException {
        LookData.write(folder);
        for (String name : List.of("look-heldout.jsonl", "look.png")) {
            assertEquals(-1, Files.mismatch(COMMITTED.resolve(name), folder.resolve(name)), name);
        }
    }

    @Test
    void heldOutPicturesAreNotAmongTheOthers() throws IOException {
        var random = RandomSource.XO_SHI_RO_256_PP.create(1L);
        Set<String> known = new HashSet<>();
        for (ColouredDigits problem : ColouredDigits.draw(3000, Split.TRAIN, random)) {
            known.add(problem.digits() + " " + problem.red());
            assertTrue(!problem.answer().equals(problem.mistake()), problem.answer());
        }
        assertEquals(3000, known.size());
        for (ColouredDigits problem : ColouredDigits.draw(500, Split.HELD_OUT, random)) {
            assertTrue(known.add(problem.digits() + " " + problem.red()), "drawn before");
        }
    }

    @Test
    void everyPictureIsReadAsItWasDrawn() throws IOException {
        for (String line : Files.readAllLines(COMMITTED.resolve("look-heldout.jsonl"))) {
            JsonNode row = new ObjectMapper().readTree(line);
            String address = row.path("image").asText();
            byte[] png = Base64.getDecoder().decode(address.substring(address.indexOf(',') + 1));
            assertEquals("32 x 32", Picture.of("drawn", png).size().toString());
            assertTrue(Picture.of("drawn", png).thumbnail(16).length > 50);
            assertTrue(row.path("answer").asText().matches("\\d \\d \\d \\d"), line);
        }
    }

    @Test
    void theFolderIsAModelThatSees() throws IOException {
        LookModel.write(folder, RandomSource.XO_SHI_RO_256_PP.create(1L));
        DecoderConfig config = DecoderConfig.read(folder);
        assertTrue(config.vision().isPresent());
        for (String name : List.of("config.json", "tokenizer.json", "chat_template.jinja")) {
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
