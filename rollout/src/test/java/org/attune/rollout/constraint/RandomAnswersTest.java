package org.attune.rollout.constraint;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

import org.apache.commons.rng.UniformRandomProvider;
import org.apache.commons.rng.simple.RandomSource;
import org.attune.error.ConfigException;
import org.attune.rollout.sampling.TokenConstraint;
import org.attune.testing.Fixtures;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.io.BufferedWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.Optional;
import java.util.stream.IntStream;

/// Random answers under schemas, of the three tokenizers of the fixtures, for a validator of
/// another library: `bench/interop/constraints`.
@Tag("interop")
final class RandomAnswersTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int PATIENCE = 24; // tokens until an answer is led to its end
    private static final int MOST = 300;

    @Test
    void answersAreWritten() throws IOException {
        String file = System.getProperty("attune.answers", "");
        Assumptions.assumeFalse(file.isEmpty(), "bench/interop/constraints sets attune.answers");
        int each = Integer.getInteger("attune.answers.each", 12);
        long seed = Long.getLong("attune.answers.seed", 1);
        var random = RandomSource.XO_SHI_RO_256_PP.create(seed);
        int written = 0;
        int cut = 0;
        try (BufferedWriter out = Files.newBufferedWriter(Path.of(file))) {
            for (String row :
                    Files.readAllLines(Fixtures.fixture("constrained").resolve("schemas.jsonl"))) {
                JsonNode schema = JSON.readTree(row).get("schema");
                for (String tokenizer : ConstraintFixturesTest.TOKENIZERS.keySet()) {
                    TokenTrie trie = ConstraintFixturesTest.trie(tokenizer);
                    int[] closing = closing(trie);
                    Optional<Constraint> constraint = constraint(schema);
                    for (int i = 0; constraint.isPresent() && i < each; i++) {
                        Optional<String> text =
                                answer(constraint.get().on(trie).get(), trie, closing, random);
                        if (text.isEmpty()) {
                            cut++;
                            continue;
                        }
                        ObjectNode line = JSON.createObjectNode();
                        line.set("schema", schema);
                        out.write(line.put("tokenizer", tokenizer).put("text", text.get()) + "\n");
                        written++;
                    }
                }
            }
        }
        System.out.printf("%d answers are in %s, %d came to no end%n", written, file, cut);
        assertTrue(written > 20 * cut, "most answers end");
    }

    private static Optional<Constraint> constraint(JsonNode schema) {
        try {
            return Optional.of(Constraint.jsonSchema(schema));
        } catch (ConfigException e) {
            return Optional.empty(); // one of those that are refused
        }
    }

    /// Tokens drawn at random, after a while those that lead to an end.
    private static Optional<String> answer(
            TokenConstraint turn, TokenTrie trie, int[] closing, UniformRandomProvider random) {
        var bytes = new ByteArrayOutputStream();
        for (int i = 0; i < MOST; i++) {
            var allowed = (BitSet) turn.allowed().orElseThrow().clone();
            boolean mayEnd = allowed.intersects(trie.ends());
            allowed.andNot(trie.ends());
            if (mayEnd && (i >= PATIENCE || random.nextInt(4) == 0 || allowed.isEmpty())) {
                return Optional.of(bytes.toString(StandardCharsets.UTF_8));
            }
            if (allowed.isEmpty()) {
                return Optional.empty(); // every key that the pattern leaves is there already
            }
            int from = allowed.nextSetBit(random.nextInt(trie.size()));
            int drawn = from < 0 ? allowed.nextSetBit(0) : from;
            int id =
                    i < PATIENCE
                            ? drawn
                            : IntStream.of(closing).filter(allowed::get).findFirst().orElse(drawn);
            bytes.writeBytes(trie.bytes(id));
            turn.appended(id, false);
        }
        return Optional.empty();
    }

    /// Tokens that end texts, objects and lists.
    private static int[] closing(TokenTrie trie) {
        return IntStream.range(0, trie.size())
                .filter(id -> trie.bytes(id).length == 1 && "\"}]".indexOf(trie.bytes(id)[0]) >= 0)
                .toArray();
    }
}
