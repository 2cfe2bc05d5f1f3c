package org.attune.cli.terminal;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.attune.cli.terminal.TextTable.Cell;
import org.attune.cli.terminal.TextTable.Colour;
import org.attune.cli.terminal.TextTable.Column;
import org.junit.jupiter.api.Test;

import java.util.List;

class TextTableTest {
    private static final List<Column> COLUMNS =
            List.of(
                    new Column("prompt", false),
                    new Column("completion", false),
                    new Column("reward", true));

    private static TextTable table(String prompt, String completion) {
        return new TextTable(
                COLUMNS,
                List.of(
                        List.of(
                                Cell.of(prompt),
                                new Cell(completion, Colour.GREEN),
                                Cell.of("1.00"))));
    }

    @Test
    void columnsStandUnderTheirTitles() {
        assertEquals(
                List.of("  prompt    completion  reward", "  Sort 2 1  1 2           1.00"),
                table("Sort 2 1", "1 2").lines(80, false));
    }

    /// The short text keeps its room and the long one takes what is left.
    @Test
    void longTextsAreCutToTheWidth() {
        List<String> lines = table("Sort 2 1", "x".repeat(100)).lines(40, false);
        assertEquals("  Sort 2 1  " + "x".repeat(19) + "…    1.00", lines.get(1));
        for (String line : table("y".repeat(90), "日本".repeat(50)).lines(61, false)) {
            assertTrue(VisibleText.width(line) <= 61, line);
        }
    }

    @Test
    void coloursDoNotMoveColumns() {
        List<String> lines = table("Sort 2 1", "1 2").lines(80, true);
        assertEquals("  Sort 2 1  \u001b[32m1 2\u001b[0m           1.00", lines.get(1));
        assertTrue(lines.get(0).contains("\u001b[1mreward\u001b[0m"), lines.get(0));
    }

    @Test
    void nothingInATextMovesTheCursor() {
        assertEquals("a\\nb\\r\\tc", VisibleText.of("a\nb\r\tc"));
        assertEquals(
                "\\u001b[2J\\u0007\\u202e\\u200b", VisibleText.of("\u001b[2J\u0007\u202e\u200b"));
        assertEquals("é 日本 😀", VisibleText.of("é 日本 😀"));
    }

    @Test
    void widthsAreThoseOfATerminal() {
        assertEquals(2, VisibleText.width("日"));
        assertEquals(1, VisibleText.width("e\u0301"));
        assertEquals("日…", VisibleText.fit("日本語", 4));
        assertEquals("abcd", VisibleText.fit("abcd", 4));
        assertEquals("abc…", VisibleText.fit("abcde", 4));
    }
}
