package org.attune.auto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.error.DatasetException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

class TableRowsTest {
    @TempDir Path folder;

    private Path table(int rows, String... broken) throws IOException {
        List<String> lines = new ArrayList<>(List.of("question,answer"));
        for (int i = 0; i < rows; i++) {
            lines.add("Why is it %d?,Since it is %d.".formatted(i, i));
            if (i == 4) {
                lines.addAll(List.of(broken));
            }
        }
        return Files.writeString(folder.resolve("t.csv"), String.join("\n", lines) + "\n");
    }

    @Test
    void aFewBrokenLinesAreLeftOutAndTold() throws IOException {
        SniffedTable table = TableReader.read(table(300, "Why,then?,Since.", "Alone"));
        assertEquals(300, table.rows().size());
        assertTrue(
                table.notes().contains("broken lines that were left out: 2 (7, 8)"),
                table.notes().toString());
    }

    @Test
    void headersOfFilesThatWerePutTogetherAreNoRows() throws IOException {
        SniffedTable table = TableReader.read(table(30, "question, answer", "question,answer"));
        assertEquals(30, table.rows().size());
        assertTrue(
                table.notes().contains("lines that repeat the header, left out: 2"),
                table.notes().toString());
    }

    @Test
    void commasOfProseArePartOfTheText() throws IOException {
        String[] prose = {"Why, then, this?,Since, as you know.", "Why not, sir?,It is so."};
        SniffedTable table = TableReader.read(table(30, prose));
        assertEquals(32, table.rows().size());
        assertEquals("Why, then, this?", table.rows().get(5).get("question"));
        assertEquals("Since, as you know.", table.rows().get(5).get("answer"));
        assertTrue(
                table.notes().toString().contains("a comma before a blank is part of the text: 2"),
                table.notes().toString());
    }

    @Test
    void commasBeforeBlanksThatEndFieldsAreNotOfProse() throws IOException {
        Path file = table(30, "Why this?, Since.", "Why, then, this?,Since.", "Why, sir?,So.");
        assertThrows(DatasetException.class, () -> TableReader.read(file));
    }

    @Test
    void oneBrokenLineIsLeftOutOfTwenty() throws IOException {
        assertEquals(20, TableReader.read(table(20, "Why,then?,Since.")).rows().size());
        Path file = table(19, "Why,then?,Since.");
        var error = assertThrows(DatasetException.class, () -> TableReader.read(file));
        assertTrue(error.getMessage().contains("t.csv:7: 3 fields"), error.getMessage());
    }

    @Test
    void manyBrokenLinesAreRefused() throws IOException {
        Path file = table(30, "Why,then?,Since.", "Alone");
        var error = assertThrows(DatasetException.class, () -> TableReader.read(file));
        assertTrue(error.getMessage().contains("2 lines are broken"), error.getMessage());
    }

    @Test
    void whatAStrayQuoteCutIsNotTrained() throws IOException {
        SniffedTable table = TableReader.read(table(300, "Why not?,\"It\" is, isn't it"));
        assertEquals(300, table.rows().size());
        assertFalse(table.rows().toString().contains("Why not?"), "cut at the quote");
        assertTrue(table.notes().toString().contains("left out: 1 (7)"), table.notes().toString());
    }

    @Test
    void linesThatAStrayQuoteSwallowsAreCounted() throws IOException {
        List<String> lines = new ArrayList<>(List.of("Why not?,\"Open, and"));
        for (int i = 0; i < 30; i++) {
            lines.add("Why,so,it is %d".formatted(i));
        }
        lines.add("until \" here");
        Path file = table(300, lines.toArray(String[]::new));
        assertThrows(DatasetException.class, () -> TableReader.read(file));
    }

    @Test
    void quotesThatMeanNothingAreText() throws IOException {
        List<String> lines = new ArrayList<>(List.of("question;answer"));
        for (int i = 0; i < 12; i++) {
            lines.add("Why is it %d?;\"One\", \"two\" and %d".formatted(i, i));
        }
        Path file = Files.writeString(folder.resolve("q.csv"), String.join("\n", lines) + "\n");
        SniffedTable table = TableReader.read(file);
        assertEquals("\"One\", \"two\" and 3", table.rows().get(3).get("answer"));
        assertTrue(table.notes().contains("quotes are read as part of the text"));
    }

    @Test
    void linesWithBytesThatAreNoUtf8AreLeftOut() throws IOException {
        var text = new StringBuilder("question,answer\n");
        for (int i = 0; i < 40; i++) {
            text.append("Où est la clé n° %d ?,Près de l’entrée, côté %d.\n".formatted(i, i));
        }
        String quoted = text.toString().replace("Près", "\"Près").replace(".\n", ".\"\n");
        byte[] bytes = quoted.getBytes(StandardCharsets.UTF_8);
        int at =
                quoted.substring(0, quoted.indexOf("clé n° 7"))
                        .getBytes(StandardCharsets.UTF_8)
                        .length;
        bytes[at + 2] = 'e'; // what is left of the letter's two bytes is none
        SniffedTable table = TableReader.read(Files.write(folder.resolve("u.csv"), bytes));
        assertEquals(39, table.rows().size());
        assertTrue(
                table.notes().contains("encoding: UTF-8, but for some bytes"),
                table.notes().toString());
        assertTrue(table.notes().toString().contains("left out: 1 (9)"), table.notes().toString());
    }

    @Test
    void textInAnUnclearEncodingIsRefused() throws IOException {
        byte[] bytes =
                "question;answer\nKodėl?;Todėl, kad aštuoni žodžiai.\n"
                        .repeat(20)
                        .getBytes(Charset.forName("windows-1257"));
        Path file = Files.write(folder.resolve("l.csv"), bytes);
        var error = assertThrows(DatasetException.class, () -> TableReader.read(file));
        assertTrue(error.getMessage().contains("save it as UTF-8"), error.getMessage());
    }
}
