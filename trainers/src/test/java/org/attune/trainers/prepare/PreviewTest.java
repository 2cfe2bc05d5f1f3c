package org.attune.trainers.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.datasets.rows.RowOrigin;
import org.attune.images.SeenPicture;
import org.attune.trainers.examples.CompletionTokens;
import org.attune.trainers.examples.ImitationPair;
import org.attune.trainers.examples.PackedRow;
import org.attune.trainers.examples.PreferenceExample;
import org.attune.trainers.examples.PromptExample;
import org.attune.trainers.examples.SftExample;
import org.attune.trainers.examples.StepwiseExample;
import org.attune.trainers.testing.ByteTokenizer;
import org.junit.jupiter.api.Test;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;

class PreviewTest {
    private static final RowOrigin ORIGIN = new RowOrigin("data.jsonl", 3, 2);

    private final Preview preview = new Preview(new ByteTokenizer(false), Preview.Marks.PLAIN);

    @Test
    void picturesAreToldBelowTheirRow() {
        var first = new SeenPicture("one", 3, 0, "64 x 32, 2 tiles of 32 x 32", () -> null);
        var second = new SeenPicture("other", 1, 0, "8 x 8, resized to 32 x 32", () -> null);
        int[] text = {'Q', 0, 0, ',', 0, 0, 'A', ByteTokenizer.EOS};
        int[] ids = SeenPicture.among(text, 0, List.of(first, second));
        boolean[] trained = new boolean[ids.length];
        trained[6] = true;
        var document = new SftExample(ids, trained, ORIGIN);
        assertEquals(
                """
                ── data.jsonl:3: 8 tokens, 1 trained
                Q▣×2,▣×2⟦A⟧<eos>
                ── picture 1: 64 x 32, 2 tiles of 32 x 32, tokens: 3
                ── picture 2: 8 x 8, resized to 32 x 32, tokens: 1
                """,
                preview.row(new PackedRow(List.of(document))));
    }

    @Test
    void marksTrainedTokens() {
        var document =
                new SftExample(
                        new int[] {'Q', ':', 'A', ByteTokenizer.EOS},
                        new boolean[] {true, false, true, true},
                        ORIGIN);
        assertEquals(
                "── data.jsonl:3: 4 tokens, 2 trained\nQ:⟦A<eos>⟧\n",
                preview.row(new PackedRow(List.of(document))));
    }

    @Test
    void filesBelowTheWorkingFolderAreShownFromThere() {
        String below = Path.of("rows", "data.jsonl").toAbsolutePath().toString();
        String other = Path.of("").toAbsolutePath().resolveSibling("rows.jsonl").toString();
        for (String file : List.of(below, other)) {
            var side = new CompletionTokens(new int[] {'P', '1'}, 1);
            var row = new PreferenceExample(side, side, new RowOrigin(file, 3, 2));
            String shown = file.equals(below) ? "rows/data.jsonl:3" : other + ":3";
            assertTrue(preview.pair(row).contains("── " + shown + ": "), preview.pair(row));
        }
    }

    @Test
    void showsAPairsPromptOnce() {
        var pair =
                new PreferenceExample(
                        new CompletionTokens(new int[] {'P', '1'}, 1),
                        new CompletionTokens(new int[] {'P', '2', '3'}, 1),
                        ORIGIN);
        assertEquals(
                """
                ── data.jsonl:3: prompt 1 tokens, chosen 1, rejected 2
                P
                ── chosen
                ⟦1⟧
                ── rejected
                ⟦23⟧
                """,
                preview.pair(pair));
    }

    @Test
    void marksWhatIsImitated() {
        var pair =
                new PreferenceExample(
                        new CompletionTokens(new int[] {'P', 'Q', '1'}, 2),
                        new CompletionTokens(new int[] {'P', 'Q', '2', '3'}, 2),
                        ORIGIN);
        var whole = new CompletionTokens(pair.chosen().ids(), 0);
        String all = preview.imitation(new ImitationPair(pair, whole, false));
        assertTrue(all.contains("P⟦Q⟧\n── chosen\n⟦1⟧\n"), all);
        var third = new CompletionTokens(new int[] {'P', 'Q', '4'}, 2);
        assertEquals(
                """
                ── data.jsonl:3: prompt 2 tokens, chosen 1, rejected 2, reference 1
                PQ
                ── chosen
                ⟦1⟧
                ── rejected
                ⟦23⟧
                ── reference
                ⟦4⟧
                """,
                preview.imitation(new ImitationPair(pair, third, true)));
    }

    @Test
    void marksWhereStepsAreJudged() {
        var row =
                new StepwiseExample(
                        new int[] {'Q', 'a', '|', 'b', '|'},
                        List.of(
                                new StepwiseExample.JudgedStep(2, true),
                                new StepwiseExample.JudgedStep(4, false)),
                        ORIGIN);
        assertEquals(
                """
                ── data.jsonl:3: 5 tokens, 2 judged
                Qa⟦|⟧b⟦|⟧
                ── labels
                right, wrong
                """,
                preview.judged(row));
    }

    @Test
    void showsAPromptWithTheColumnsThatAreRead() {
        var columns = new LinkedHashMap<String, Object>();
        columns.put("answer", "4\u001b");
        columns.put("level", 3L);
        var prompt =
                new PromptExample(new int[] {'2', '+', '2'}, "2+2", List.of(), columns, ORIGIN);
        assertEquals(
                """
                ── data.jsonl:3: prompt 3 tokens
                2+2
                ── column answer
                4\u241b
                ── column solution
                (absent)
                """,
                preview.prompt(prompt, List.of("answer", "solution")));
    }

    @Test
    void controlCharactersCannotSteerTheTerminal() {
        byte[] bytes = "\u001b[2Jé".getBytes(StandardCharsets.UTF_8);
        int[] ids = new int[bytes.length];
        for (int i = 0; i < ids.length; i++) {
            ids[i] = bytes[i] & 0xff;
        }
        String shown =
                preview.row(
                        new PackedRow(
                                List.of(new SftExample(ids, new boolean[ids.length], ORIGIN))));
        assertTrue(shown.endsWith("\u241b[2Jé\n"), shown);
    }

    @Test
    void countsLengthsAndFiles() {
        var ends =
                new SftExample(
                        new int[] {'Q', ':', 'A', ByteTokenizer.EOS},
                        new boolean[] {false, false, true, true},
                        ORIGIN);
        var goesOn =
                new SftExample(
                        new int[] {'Q', ':', ByteTokenizer.EOS, 'A', 'B', 'C', 'D', 'E', 'F', 'G'},
                        new boolean[] {
                            false, false, false, true, true, true, true, true, true, true
                        },
                        new RowOrigin("other.jsonl", 1, 0));
        var report =
                new PreparationReport(
                        4,
                        2,
                        24,
                        11,
                        List.of(new PreparationReport.Dropped(ORIGIN, "too long", "")),
                        List.of(new PreparationReport.Truncated(ORIGIN, 9, 4)));
        assertEquals(
                """
                ── lengths of 2 rows: least 4, median 4, nine of ten up to 4, most 14 tokens
                            4–7        1 ████████████████████████████████████████
                           8–15        1 ████████████████████████████████████████
                data.jsonl: 2 rows, 8 tokens, 50.0 % of them trained; 1 dropped: too long; 1 truncated; a stop token is learnt from all of them
                other.jsonl: 1 rows, 10 tokens, 70.0 % of them trained; a stop token is learnt from 0 of 1, the others don't teach where to end
                """,
                preview.survey(
                        List.of(new PackedRow(List.of(ends)), new PackedRow(List.of(ends, goesOn))),
                        report,
                        Set.of(ByteTokenizer.EOS)));
    }

    @Test
    void countsAnswersOfPairs() {
        var pair =
                new PreferenceExample(
                        new CompletionTokens(new int[] {'P', '1', ByteTokenizer.EOS}, 1),
                        new CompletionTokens(new int[] {'P', '2', '3'}, 1),
                        ORIGIN);
        var report = new PreparationReport(1, 1, 6, 0, List.of(), List.of());
        String said = preview.survey(List.of(pair), report, Set.of(ByteTokenizer.EOS));
        assertTrue(said.contains("data.jsonl: 1 rows"), said);
        assertTrue(said.contains("a stop token is learnt from 1 of 2"), said);
    }

    @Test
    void listsWhatWasLeftOut() {
        var report =
                new PreparationReport(
                        3,
                        2,
                        10,
                        5,
                        List.of(new PreparationReport.Dropped(ORIGIN, "too long", "9 tokens")),
                        List.of(new PreparationReport.Truncated(ORIGIN, 9, 4)));
        assertEquals(
                """
                ── 2 rows from 3, 10 tokens, 5 trained; 1 dropped: too long; 1 truncated
                dropped data.jsonl:3: too long (9 tokens)
                truncated data.jsonl:3: 9 tokens to 4
                """,
                preview.report(report));
    }
}
