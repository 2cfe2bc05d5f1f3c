package org.attune.cli.terminal;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A table in columns of fixed width. Numbers stand to the right and are never cut; texts share
/// what is left of the line, and those that need less leave the rest to others.
///
/// @param columns of the table
/// @param rows cells, one for each column
public record TextTable(List<Column> columns, List<List<Cell>> rows) {
    private static final String INDENT = "  ";
    private static final String GAP = "  ";
    private static final int NARROWEST = 8;
    private static final String RESET = "\u001b[0m";

    /// @param title above the column
    /// @param number whether its cells are numbers
    public record Column(String title, boolean number) {}

    /// How a cell looks where colours are shown.
    public enum Colour {
        PLAIN(""),
        BOLD("\u001b[1m"),
        GREEN("\u001b[32m"),
        RED("\u001b[31m");

        private final String code;

        Colour(String code) {
            this.code = code;
        }
    }

    /// @param text one line, made visible already
    public record Cell(String text, Colour colour) {
        public static Cell of(String text) {
            return new Cell(text, Colour.PLAIN);
        }
    }

    /// Lines of at most `width` columns, unless the numbers alone are wider.
    List<String> lines(int width, boolean colours) {
        int[] widths = widths(width);
        List<String> lines = new ArrayList<>();
        lines.add(
                line(
                        columns.stream().map(c -> new Cell(c.title(), Colour.BOLD)).toList(),
                        widths,
                        colours));
        rows.forEach(row -> lines.add(line(row, widths, colours)));
        return lines;
    }

    private int[] widths(int width) {
        int[] wanted = new int[columns.size()];
        int left = width - INDENT.length() - GAP.length() * (columns.size() - 1);
        List<Integer> texts = new ArrayList<>();
        for (int c = 0; c < wanted.length; c++) {
            wanted[c] = VisibleText.width(columns.get(c).title());
            for (List<Cell> row : rows) {
                wanted[c] = Math.max(wanted[c], VisibleText.width(row.get(c).text()));
            }
            if (columns.get(c).number()) {
                left -= wanted[c];
            } else {
                texts.add(c);
            }
        }
        texts.sort((a, b) -> Integer.compare(wanted[a], wanted[b]));
        for (int i = 0; i < texts.size(); i++) {
            int share = Math.max(NARROWEST, left / (texts.size() - i));
            int column = texts.get(i);
            wanted[column] = Math.min(wanted[column], share);
            left -= wanted[column];
        }
        return wanted;
    }

    private String line(List<Cell> cells, int[] widths, boolean colours) {
        String[] parts = new String[cells.size()];
        for (int c = 0; c < parts.length; c++) {
            String text = VisibleText.fit(cells.get(c).text(), widths[c]);
            String space = " ".repeat(widths[c] - VisibleText.width(text));
            Colour colour = cells.get(c).colour();
            if (colours && colour != Colour.PLAIN) {
                text = colour.code + text + RESET;
            }
            parts[c] = columns.get(c).number() ? space + text : text + space;
        }
        return (INDENT + String.join(GAP, Arrays.asList(parts))).stripTrailing();
    }
}
