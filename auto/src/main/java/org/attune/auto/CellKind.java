package org.attune.auto;

import org.attune.auto.ColumnFacts.Kind;

import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/// What most cells of a column are.
final class CellKind {
    static final String DATE =
            "\\d{4}[-/.]\\d{1,2}[-/.]\\d{1,2}([T ].*)?|\\d{1,2}[-/.]\\d{1,2}[-/.]\\d{2,4}( .*)?";
    static final String ADDRESS = "(https?://|www\\.)\\S+|\\S+@\\S+\\.\\w+";
    private static final String HASH =
            "[0-9a-fA-F]{8}-[0-9a-fA-F-]{9,}|[0-9a-fA-F]{16,}|[A-Za-z]{1,6}[-_]?\\d+";
    private static final String NUMBERS = "\\[[\\s\\d\\[\\]+.,;eE-]*\\d[\\s\\d\\[\\]+.,;eE-]*]";

    /// Mean words of a category at most.
    private static final int CATEGORY = 4;

    private CellKind() {}

    static Kind of(List<Object> cells, boolean numeric, double words, int different) {
        if (cells.isEmpty()) {
            return Kind.EMPTY;
        }
        if (share(cells, c -> ChatCell.of(c).isPresent()) > 0.9) {
            return Kind.MESSAGES;
        }
        if (share(cells, CellKind::isNested) > 0.5) {
            return Kind.NESTED;
        }
        if (numeric && !(cells.getFirst() instanceof Boolean)) {
            return Kind.NUMBER;
        }
        if (share(cells, c -> matches(c, DATE) || matches(c, ADDRESS)) > 0.8
                || different > 0.9 * cells.size() && share(cells, c -> matches(c, HASH)) > 0.9) {
            return Kind.MARK;
        }
        boolean recurs = different <= Math.max(2, cells.size() * 0.5);
        return words < CATEGORY && recurs ? Kind.CATEGORY : Kind.TEXT;
    }

    private static boolean isNested(Object cell) {
        return cell instanceof List
                || cell instanceof Map
                || cell instanceof String text
                        && (ChatCell.isPrinted(text) || text.strip().matches(NUMBERS));
    }

    private static boolean matches(Object cell, String pattern) {
        return String.valueOf(cell).strip().matches(pattern);
    }

    /// Share of cells for which it holds, from 0 to 1.
    static double share(List<Object> cells, Predicate<Object> test) {
        return cells.stream().filter(test).count() / (double) cells.size();
    }

    /// A number, with a point or a comma before its fraction, in percent or out of 5, 10 or 100; a
    /// row of stars; NaN if it is none.
    static double number(Object cell) {
        if (cell instanceof Number number) {
            return number.doubleValue();
        }
        String text = String.valueOf(cell).strip();
        if (text.matches("★{1,5}☆{0,4}")) {
            return text.chars().filter(c -> c == '★').count();
        }
        text = text.replaceFirst("\\s*(%|/\\s*(5|10|100))$", "");
        return text.matches("[+-]?\\d{1,15}([.,]\\d{1,25})?([eE][+-]?\\d{1,3})?")
                ? Double.parseDouble(text.replace(',', '.'))
                : Double.NaN;
    }
}
