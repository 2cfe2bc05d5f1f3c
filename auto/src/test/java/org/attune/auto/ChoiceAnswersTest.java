package org.attune.auto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;

class ChoiceAnswersTest {
    private static final String HEADER = "question,A,B,C,answer\n";

    @TempDir Path folder;

    private SniffedTable table(String header, Stream<String> lines) throws IOException {
        Path file = folder.resolve("t.csv");
        Files.writeString(file, header + String.join("\n", lines.toList()) + "\n");
        return TableReader.read(file);
    }

    private static Stream<String> lines(String form) {
        return IntStream.range(0, 12)
                .mapToObj(
                        i ->
                                form.replace("#", String.valueOf(i))
                                        .replace("?L", String.valueOf((char) ('A' + i % 3)))
                                        .replace("?N", String.valueOf(i % 3)));
    }

    private static Map<Object, Object> rows(SniffedTable table) {
        MappedRows rows = MappedRows.of(table, MappingGuess.of(table, Set.of()), false);
        List<Map<String, Object>> all = new ArrayList<>(rows.train());
        all.addAll(rows.heldOut());
        Map<Object, Object> made = new LinkedHashMap<>();
        all.forEach(row -> made.put(row.get("prompt"), row.get("completion")));
        return made;
    }

    @Test
    void theChoicesStandBehindTheQuestion() throws IOException {
        var rows = rows(table(HEADER, lines("Which is #,one#,two#,three#,?L")));
        assertEquals(12, rows.size());
        assertEquals("B. two4", rows.get("Which is 4\nA. one4\nB. two4\nC. three4\n"));
    }

    @Test
    void lettersAreWrittenOnce() throws IOException {
        var rows = rows(table(HEADER, lines("Which is #,A) one#,B) two#,C) three#,?N")));
        assertEquals("C. three5", rows.get("Which is 5\nA. one5\nB. two5\nC. three5\n"));
    }

    @Test
    void missingChoicesKeepTheLettersOfTheOthers() throws IOException {
        var rows =
                rows(
                        table(
                                HEADER,
                                Stream.concat(
                                        lines("Which is #,one#,two#,three#,?L"),
                                        Stream.of("Which is last,,two,three,C"))));
        assertEquals("C. three", rows.get("Which is last\nB. two\nC. three\n"));
    }

    @Test
    void rowsWithoutChoicesKeepTheirAnswerUnlessItNamesAPlace() throws IOException {
        SniffedTable table =
                table(
                        HEADER,
                        Stream.concat(
                                lines("Which is #,one#,two#,three#,?L"),
                                Stream.of("Is it so,,,,It is not", "Is it here,,,,B")));
        var rows = rows(table);
        assertEquals("It is not", rows.get("Is it so\n"));
        assertEquals(13, rows.size(), "a letter without choices is no answer");
        MappedRows made = MappedRows.of(table, MappingGuess.of(table, Set.of()), true);
        assertTrue(
                made.notes().contains("rows without choices, whose answer is learned as it is: 2"));
    }

    @Test
    void placesAreCountedFromWhereTheyMustBe() throws IOException {
        String header = "question,option0,option1,option2,answer\n";
        var zero = rows(table(header, lines("Which is #,one#,two#,three#,?N")));
        assertEquals("A. one3", zero.get("Which is 3\nA. one3\nB. two3\nC. three3\n"));
        SniffedTable unclear =
                table(
                        "question,A,B,C,D,answer\n",
                        lines("Which is #,one#,two#,three#,four#,?N")
                                .map(l -> l.endsWith("0") ? l.replaceFirst("0$", "3") : l));
        assertThrows(UnclearTableException.class, () -> MappingGuess.of(unclear, Set.of()));
    }

    @Test
    void answersThatAreNoChoicesAreNoKey() throws IOException {
        SniffedTable table = table(HEADER, lines("Which is #,one#,two#,three#,It is so #"));
        assertThrows(UnclearTableException.class, () -> MappingGuess.of(table, Set.of()));
        Map<ColumnRole, List<String>> given =
                Map.of(
                        ColumnRole.PROMPT, List.of("question"),
                        ColumnRole.CHOICE, List.of("A", "B", "C"),
                        ColumnRole.COMPLETION, List.of("answer"));
        var error =
                assertThrows(UnclearTableException.class, () -> MappingGuess.given(table, given));
        assertTrue(error.getMessage().contains("which choice is right"), error.getMessage());
    }
}
