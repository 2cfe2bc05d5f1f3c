package org.attune.auto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

class MappedRowsTest {
    @TempDir Path folder;

    private MappedRows rows(boolean chat, String header, List<String> lines) throws IOException {
        Path file = folder.resolve("t.csv");
        Files.writeString(file, header + "\n" + String.join("\n", lines) + "\n");
        SniffedTable table = TableReader.read(file);
        return MappedRows.of(table, MappingGuess.of(table, Set.of()), chat);
    }

    private static List<String> lines(int n, String form) {
        return IntStream.range(0, n).mapToObj(i -> form.replace("#", String.valueOf(i))).toList();
    }

    private static List<Map<String, Object>> all(MappedRows rows) {
        List<Map<String, Object>> all = new ArrayList<>(rows.train());
        all.addAll(rows.heldOut());
        return all;
    }

    @Test
    void promptsOfHeldOutRowsAreNotTrained() throws IOException {
        List<String> lines = new ArrayList<>(lines(40, "Why number #?,Since it is one # more."));
        lines.addAll(lines(40, "Why number #?,Since it is another # again."));
        lines.addAll(lines(5, "Why number #?,Since it is one # more."));
        MappedRows rows = rows(true, "question,answer", lines);
        assertEquals("sft", rows.method());
        assertEquals(80, all(rows).size(), "rows that are there twice count once");
        assertTrue(rows.heldOut().size() >= 15, "held out: " + rows.heldOut().size());
        Set<Object> trained = new HashSet<>();
        rows.train().forEach(r -> trained.add(r.get("prompt")));
        rows.heldOut().forEach(r -> assertTrue(!trained.contains(r.get("prompt"))));
        assertEquals(
                List.of(Map.of("role", "user", "content", "Why number 0?")),
                all(rows).stream()
                        .map(r -> r.get("prompt"))
                        .filter(p -> p.toString().contains(" 0?"))
                        .findFirst()
                        .orElseThrow());
    }

    @Test
    void modelsWithoutTemplateGetPlainText() throws IOException {
        MappedRows rows =
                rows(
                        false,
                        "system,question,context,answer",
                        lines(12, "Be kind.,Why number #?,The text is # long.,It is so # times."));
        Map<String, Object> row =
                all(rows).stream()
                        .filter(r -> r.get("completion").equals("It is so 3 times."))
                        .findFirst()
                        .orElseThrow();
        assertEquals("Be kind.\nWhy number 3?\nThe text is 3 long.\n", row.get("prompt"));
    }

    @Test
    void ratingsBecomeLabelsAndTheMiddleIsLeftOut() throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            lines.add("Why number %d?,Since it is %d.,%d".formatted(i, i, 1 + i % 5));
        }
        MappedRows rows = rows(true, "prompt,response,rating", lines);
        assertEquals("kto", rows.method());
        assertEquals(16, all(rows).size());
        for (Map<String, Object> row : all(rows)) {
            int n = Integer.parseInt(row.get("completion").toString().replaceAll("\\D", ""));
            assertEquals(n % 5 >= 3, row.get("label"));
        }
    }

    @Test
    void ranksOfOnePromptBecomePairs() throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            lines.add("Why number %d?,The worst one of %d.,3".formatted(i, i));
            lines.add("Why number %d?,The best one of %d.,1".formatted(i, i));
            lines.add("Why number %d?,The middle one of %d.,2".formatted(i, i));
        }
        MappedRows rows = rows(true, "prompt,response,rank", lines);
        assertEquals("dpo", rows.method());
        assertEquals(12, all(rows).size());
        for (Map<String, Object> row : all(rows)) {
            assertTrue(row.get("chosen").toString().contains("The best"));
            assertTrue(row.get("rejected").toString().contains("The worst"));
        }
    }

    @Test
    void winnersAreTheChosenOnes() throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            lines.add(
                    i % 2 == 0
                            ? "Why number %d?,It is good %d.,It is bad %d.,A".formatted(i, i, i)
                            : "Why number %d?,It is bad %d.,It is good %d.,B".formatted(i, i, i));
        }
        lines.add("Why not at all?,It is so good.,It is so bad.,tie");
        MappedRows rows = rows(true, "prompt,response_a,response_b,winner", lines);
        assertEquals(12, all(rows).size());
        for (Map<String, Object> row : all(rows)) {
            assertTrue(row.get("chosen").toString().contains("good"), row.toString());
            assertTrue(row.get("rejected").toString().contains("bad"), row.toString());
        }
    }

    /// Rows whose winner isn't understood would be left out unseen, however long they are.
    @Test
    void winnersAndLabelsThatAreNotUnderstoodAreNamed() throws IOException {
        List<String> lines = lines(12, "Why number #?,It is good #.,It is bad #.,a");
        lines = new ArrayList<>(lines);
        String strange = "it depends on what one wants to know about the matter";
        lines.add("Why not at all?,It is so good.,It is so bad.," + strange);
        Path file = folder.resolve("t.csv");
        Files.writeString(file, "prompt,one,two,verdict\n" + String.join("\n", lines) + "\n");
        SniffedTable table = TableReader.read(file);
        Map<ColumnRole, List<String>> winner =
                Map.of(
                        ColumnRole.PROMPT, List.of("prompt"),
                        ColumnRole.COMPLETION, List.of("one", "two"),
                        ColumnRole.WINNER, List.of("verdict"));
        Map<ColumnRole, List<String>> label =
                Map.of(
                        ColumnRole.PROMPT, List.of("prompt"),
                        ColumnRole.COMPLETION, List.of("one"),
                        ColumnRole.LABEL, List.of("verdict"));
        for (Map<ColumnRole, List<String>> given : List.of(winner, label)) {
            var e =
                    assertThrows(
                            UnclearTableException.class, () -> MappingGuess.given(table, given));
            assertTrue(e.getMessage().contains(strange), e.getMessage());
        }
    }

    /// Names of columns may hold any sign.
    @Test
    void keysOfChoicesMayHaveBarsInTheirNames() throws IOException {
        for (String key : List.of("answer letter", "key | letter")) {
            List<String> lines = new ArrayList<>();
            for (int i = 0; i < 12; i++) {
                char right = (char) ('A' + i % 4);
                lines.add(
                        "Which one is %d?,north %d,south %d,east %d,west %d,%s,%s"
                                .formatted(i, i, i, i, i, right, right));
            }
            MappedRows rows = rows(true, "question,A,B,C,D,answer," + key, lines);
            assertEquals(12, all(rows).size(), key);
        }
    }

    @Test
    void tooLittleIsRefused() {
        assertThrows(
                DatasetException.class,
                () -> rows(true, "question,answer", lines(5, "Why number #?,It is # so.")));
        assertThrows(
                DatasetException.class,
                () ->
                        rows(
                                true,
                                "prompt,response,rating", // of 5
                                List.of(
                                                lines(10, "Why number #?,It is # so.,2"),
                                                lines(10, "Why not #?,It is # so.,3"))
                                        .stream()
                                        .flatMap(List::stream)
                                        .toList()));
    }

    @Test
    void greetingsBeforeTheFirstQuestionAreLeftOut() throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            lines.add(i + ",agent,Good morning from desk " + i);
            lines.add(i + ",customer,Which floor is room " + i + " on?");
            lines.add(i + ",agent,It is on floor " + i);
        }
        MappedRows rows = rows(true, "id,role,content", lines);
        assertEquals(12, all(rows).size());
        assertFalse(all(rows).toString().contains("Good morning"), all(rows).toString());
        assertTrue(rows.notes().toString().contains("greetings of the assistant"));
    }

    @Test
    void workbooksAreNamed() throws IOException {
        Path file = Files.write(folder.resolve("b.xlsx"), new byte[] {'P', 'K', 3, 4, 0, 0});
        var e = assertThrows(DatasetException.class, () -> TableReader.read(file));
        assertTrue(e.getMessage().contains("save the sheet as CSV"), e.getMessage());
    }

    @Test
    void brokenTablesAreRefusedWithTheirLine() throws IOException {
        Path file = folder.resolve("b.csv");
        Files.writeString(file, "question,answer\nWhy?,Since.\nWhat,then?,It is.\n");
        var e = assertThrows(DatasetException.class, () -> TableReader.read(file));
        assertTrue(e.getMessage().contains("b.csv:3: 3 fields"), e.getMessage());
        Files.writeString(file, "question,answer\n\"Why?,Since.\nWhat?,It is.\n");
        assertThrows(DatasetException.class, () -> TableReader.read(file));
    }

    @Test
    void whatProgramsWriteForNoValueIsNoAnswer() throws IOException {
        List<String> lines = new ArrayList<>(lines(12, "Why number #?,Since it is one # more."));
        for (String missing : List.of("NULL", "nan", "#N/A", "None", "\\N")) {
            lines.add("Why not " + missing + "?," + missing);
        }
        MappedRows rows = rows(true, "question,answer", lines);
        assertEquals(12, all(rows).size());
        assertTrue(rows.notes().toString().contains("rows without a needed value: 5"));
    }

    @Test
    void pairsAnswerTheSameQuestion() throws IOException {
        String same = "\"Human: Why #?\n\nAssistant: So #.\",\"Human: Why #?\n\nAssistant: No #.\"";
        List<String> lines = new ArrayList<>(lines(12, same));
        lines.addAll(lines(5, same.replaceFirst("Why", "What")));
        MappedRows rows = rows(true, "chosen,rejected", lines);
        assertEquals("dpo", rows.method());
        assertEquals(12, all(rows).size());
    }

    @Test
    void messagesThatBranchMakeNoConversation() throws IOException {
        List<String> lines = new ArrayList<>();
        for (int i = 0; i < 12; i++) {
            lines.addAll(List.of(i + ",user,Why " + i, i + ",assistant,So " + i));
        }
        String header = "conversation_id,role,text";
        assertEquals(12, all(rows(true, header, lines)).size());
        List<String> branched = new ArrayList<>(lines);
        lines(12, "#,assistant,Or so #").forEach(branched::add);
        var error = assertThrows(DatasetException.class, () -> rows(true, header, branched));
        assertTrue(error.getMessage().contains("12 of 12 conversations"), error.getMessage());
        assertThrows(
                DatasetException.class, () -> rows(true, header, List.copyOf(lines.reversed())));
    }
}
