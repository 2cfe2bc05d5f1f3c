package org.attune.cli.auto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.auto.SniffedTable;
import org.attune.auto.TableMapping;
import org.attune.auto.TableReader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Optional;

class ColumnDialogueTest {
    @TempDir Path folder;
    private final StringWriter said = new StringWriter();

    private Optional<TableMapping> ask(String... lines) throws IOException {
        var text = new StringBuilder("one,two,three\n");
        for (int i = 0; i < 12; i++) {
            text.append("The first is %d today.,The second is %d now.,%d\n".formatted(i, i, i % 2));
        }
        Path file = Files.writeString(folder.resolve("t.csv"), text);
        SniffedTable table = TableReader.read(file);
        Iterator<String> typed = Arrays.asList(lines).iterator();
        return new ColumnDialogue(
                        new PrintWriter(said, true), () -> typed.hasNext() ? typed.next() : null)
                .ask(table, "t.csv: not clear\n  further lines");
    }

    @Test
    void numbersAndNamesChoose() throws IOException {
        assertEquals("--prompt two --response one", ask("1", " two ", "1").orElseThrow().options());
        assertTrue(said.toString().startsWith("t.csv: not clear\n  1  one "), said.toString());
        assertTrue(said.toString().contains("The second is 0 now."), said.toString());
        assertTrue(said.toString().contains("the same by options: --prompt two"));
        assertEquals(TableMapping.Kind.TEXT, ask("6", "1").orElseThrow().kind());
        assertEquals(TableMapping.Kind.LABELLED, ask("4", "1", "2", "three").orElseThrow().kind());
        assertEquals(TableMapping.Kind.PAIR, ask("3", "1", "2", "3").orElseThrow().kind());
    }

    @Test
    void whatIsNoneIsAskedAgain() throws IOException {
        assertEquals("--text two", ask("9", "x", "6", "0", "4", "2").orElseThrow().options());
        assertTrue(
                said.toString().contains("a number from 1 to 6, or a name, please"),
                said.toString());
        assertTrue(
                said.toString().contains("a number from 1 to 3, or a name, please"),
                said.toString());
    }

    @Test
    void whatCannotBeIsAskedAgain() throws IOException {
        assertEquals(
                TableMapping.Kind.TEXT,
                ask("4", "1", "2", "2", "6", "1").orElseThrow().kind()); // texts are no labels
        assertTrue(said.toString().contains("that can't be: "), said.toString());
        assertEquals(TableMapping.Kind.TEXT, ask("5", "1", "6", "1").orElseThrow().kind());
        assertTrue(said.toString().contains("few of its cells are lists"), said.toString());
    }

    @Test
    void nothingStops() throws IOException {
        assertTrue(ask("").isEmpty());
        assertTrue(ask("1", "2").isEmpty());
    }
}
