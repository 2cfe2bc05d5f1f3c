package org.attune.examples.quickstart;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.apache.commons.rng.simple.RandomSource;
import org.attune.examples.quickstart.LetterTask.Puzzle;
import org.attune.examples.quickstart.QuickstartData.Sizes;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;

final class QuickstartDataTest {
    private static QuickstartData draw(Sizes sizes) {
        return QuickstartData.draw(sizes, RandomSource.XO_SHI_RO_256_PP.create(7L));
    }

    @Test
    void tasksDoWhatTheySay() {
        assertEquals(
                new Puzzle(LetterTask.SORT, "Sort: dab", "abd", "dab"),
                LetterTask.SORT.about("dab"));
        assertEquals("bad", LetterTask.REVERSE.about("dab").answer());
        assertEquals("d", LetterTask.FIRST.about("dab").answer());
        assertEquals("b", LetterTask.LAST.about("dab").answer());
        assertEquals("dabdab", LetterTask.DOUBLE.about("dab").answer());
    }

    @Test
    void whatIsRightIsNoMistake() {
        assertThrows(IllegalArgumentException.class, () -> LetterTask.SORT.about("abc"));
        assertThrows(IllegalArgumentException.class, () -> LetterTask.REVERSE.about("aba"));
    }

    @Test
    void theQuickstartsPartsShareNoPrompt() {
        QuickstartData data = draw(Sizes.defaults());
        Set<String> prompts = new HashSet<>();
        Stream.of(
                        data.sft().stream().map(example -> example.puzzle()),
                        data.sftHeldOut().stream().map(example -> example.puzzle()),
                        data.pairs().stream(),
                        data.pairsHeldOut().stream())
                .flatMap(part -> part)
                .forEach(p -> assertTrue(prompts.add(p.prompt()), p.prompt() + " occurs twice"));
        assertEquals(16_000 + 256 + 2_400 + 256, prompts.size());
    }

    @Test
    void theShareOfMistakesIsAsAsked() {
        QuickstartData data = draw(new Sizes(4_000, 1, 1, 1, 0.6));
        long mistakes =
                data.sft().stream().filter(e -> e.given().equals(e.puzzle().mistake())).count();
        assertEquals(0.6, mistakes / 4_000.0, 0.03);
    }

    @Test
    void rowsAreTrlsAndEqualSeedsGiveEqualFiles(@TempDir Path one, @TempDir Path two)
            throws IOException {
        draw(new Sizes(20, 2, 5, 3, 0.5)).write(one);
        draw(new Sizes(20, 2, 5, 3, 0.5)).write(two);
        for (String part : new String[] {"sft", "sft-heldout", "pairs", "pairs-heldout"}) {
            assertEquals(
                    -1, Files.mismatch(one.resolve(part + ".jsonl"), two.resolve(part + ".jsonl")));
        }
        String pair = Files.readAllLines(one.resolve("pairs.jsonl")).getFirst();
        assertTrue(
                pair.matches(
                        "\\{\"prompt\":\\[\\{\"role\":\"user\",\"content\":\"\\w+: \\w+\"}],"
                            + "\"chosen\":\\[\\{\"role\":\"assistant\",\"content\":\"\\w+\"}],"
                            + "\"rejected\":\\[\\{\"role\":\"assistant\",\"content\":\"\\w+\"}]}"),
                pair);
    }
}
