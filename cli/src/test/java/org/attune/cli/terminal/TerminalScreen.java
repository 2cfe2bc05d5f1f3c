package org.attune.cli.terminal;

import java.util.ArrayList;
import java.util.List;

/// As much of a terminal as the command line uses: carriage return, line feed, clearing to the end
/// of the screen, colours, and lines that break where they are too long.
public final class TerminalScreen {
    private final int columns;
    private final List<StringBuilder> rows = new ArrayList<>(List.of(new StringBuilder()));
    private int row;
    private int column;

    private TerminalScreen(int columns) {
        this.columns = columns;
    }

    public static TerminalScreen of(int columns) {
        return new TerminalScreen(columns);
    }

    /// What is to be seen after `output`.
    public String show(String output) {
        for (int i = 0; i < output.length(); i++) {
            char c = output.charAt(i);
            switch (c) {
                case '\r' -> column = 0;
                case '\n' -> feed();
                case '\u001b' -> i = escape(output, i);
                default -> put(c);
            }
        }
        var text = new StringBuilder();
        rows.forEach(r -> text.append(r.toString().stripTrailing()).append('\n'));
        return text.toString();
    }

    private int escape(String output, int start) {
        int end = start + 2;
        while (!Character.isLetter(output.charAt(end))) {
            end++;
        }
        switch (output.charAt(end)) {
            case 'J' -> {
                while (rows.size() > row + 1) {
                    rows.removeLast();
                }
                rows.get(row).setLength(Math.min(column, rows.get(row).length()));
            }
            case 'm' -> {}
            default ->
                    throw new AssertionError(
                            "unknown escape " + output.substring(start + 1, end + 1));
        }
        return end;
    }

    private void put(char c) {
        if (column == columns) {
            feed();
        }
        StringBuilder line = rows.get(row);
        while (line.length() <= column) {
            line.append(' ');
        }
        line.setCharAt(column++, c);
    }

    private void feed() {
        row++;
        column = 0;
        if (row == rows.size()) {
            rows.add(new StringBuilder());
        }
    }
}
