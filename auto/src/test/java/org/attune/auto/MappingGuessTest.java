package org.attune.auto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/// Tables as people have them, and facts of tables, are taken for what they are or asked about.
class MappingGuessTest {
    @TempDir Path folder;

    private static void require(Corpus.Result result, int tables) {
        System.out.printf(
                "%d tables: %d mapped right, %d asked about that could be mapped, %d wrong%n",
                tables, result.right(), result.asked().size(), result.wrong().size());
        assertEquals(List.of(), result.wrong());
        int mapped = result.right() + result.asked().size();
        assertTrue(result.asked().size() <= Corpus.ASKED * mapped, result.asked().toString());
    }

    @Test
    void factsOfColumnsDecide() throws IOException {
        List<RecordedFacts> tables = RecordedFacts.all();
        assertTrue(tables.size() >= 300, "tables: " + tables.size());
        var result = new Corpus.Result();
        for (RecordedFacts one : tables) {
            result = result.with(one.name(), shown(one.facts()), one.expected());
        }
        require(result, tables.size());
    }

    private static String shown(TableFacts facts) {
        try {
            List<String> columns = facts.all().stream().map(ColumnFacts::name).toList();
            Reading reading = MappingGuess.of(facts, columns);
            return Corpus.shown(reading.kind(), reading.roles());
        } catch (UnclearTableException e) {
            return "UNCLEAR []";
        }
    }

    @Tag("thorough")
    @Test
    void tablesAreTakenForWhatTheyAre() throws IOException {
        List<Corpus.Case> cases = Corpus.cases();
        var result = new Corpus.Result();
        for (Corpus.Case one : cases) {
            result = result.with(one.name(), Corpus.shown(one.write(folder)), one.expected());
        }
        require(result, cases.size());
    }

    /// Tables of `tables.txt` are among those of `column-facts.tsv`, with the facts that are
    /// measured now. With the property `attune.record` the file of this name is written anew.
    @Tag("thorough")
    @Test
    void factsAreMeasuredAsTheyAreRecorded() throws IOException {
        List<String> measured = new ArrayList<>();
        List<String> refused = new ArrayList<>();
        for (Corpus.Case one : Corpus.cases()) {
            SniffedTable table;
            try {
                table = TableReader.read(one.write(folder));
            } catch (DatasetException e) { // while it was read, so it has no facts
                refused.add(one.name());
                continue;
            }
            if (!one.expected().startsWith("REFUSED")) {
                var facts = TableFacts.of(table, Set.of());
                measured.add(new RecordedFacts(one.name(), one.expected(), facts).lines());
            }
        }
        System.out.println(measured.size() + " tables with facts; refused: " + refused);
        assertTrue(refused.size() <= 6, refused.toString());
        String record = System.getProperty("attune.record");
        if (record != null) {
            Files.writeString(Path.of(record), String.join("", measured));
            return;
        }
        String recorded;
        try (var in = getClass().getResourceAsStream("column-facts.tsv")) {
            recorded = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        measured.forEach(lines -> assertTrue(recorded.contains(lines), lines));
    }

    @Test
    void textsOfManyBarsAreRead() throws IOException {
        String bars = "| a cell of a drawn table ".repeat(6000);
        Path file = folder.resolve("bars.csv");
        Files.writeString(file, "doc\n" + "\"%s\"\n".formatted(bars).repeat(12));
        assertEquals("UNCLEAR []", Corpus.shown(file)); // lists of something, by their bars
    }
}
