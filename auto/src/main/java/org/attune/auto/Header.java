package org.attune.auto;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;

/// Whether a table's first record names its columns.
///
/// @param isThere whether it does
record Header(boolean isThere) {
    private static final int LONGEST_NAME = 60;
    private static final int LONGEST_QUESTION = 300;
    private static final int JUDGED = 50;
    private static final int MANY = 8;

    /// Cells of a column for each of its values, from which on the values are a few that recur.
    private static final int RECURS = 8;

    private static final String MARK =
            CellKind.DATE + "|" + CellKind.ADDRESS + "|[+-]?\\d+([.,]\\d+)*";

    /// Looks at the first record and some of those below. What is short and known as a name is one,
    /// unless it occurs below too. So is what differs from all below in its kind: text over numbers
    /// and dates, a question over what never is one, a word over a few others that recur.
    ///
    /// @param records at least one
    static Header of(List<List<String>> records) {
        List<String> first = records.getFirst().stream().map(String::strip).toList();
        List<List<String>> below = records.stream().skip(1).limit(JUDGED).toList();
        List<String> named = first.stream().filter(f -> !f.isEmpty()).toList();
        if (named.isEmpty() || below.isEmpty()) {
            return new Header(!named.isEmpty() && named.stream().anyMatch(ColumnWords::isKnown));
        }
        if (isCount(first)
                || isIndexed(first, below)
                || first.stream().allMatch(Header::saysRole)
                || first.stream().allMatch(Header::isLanguage)) {
            return new Header(true);
        }
        if (named.stream().anyMatch(f -> f.matches(MARK) || f.length() > LONGEST_QUESTION)) {
            return new Header(false);
        }
        boolean isShort =
                named.stream().allMatch(f -> f.length() <= LONGEST_NAME && !f.contains("\n"));
        if (isShort && named.size() == first.size() && NamePairs.isThere(first)) {
            return new Header(true);
        }
        for (int c = 0; c < first.size(); c++) {
            if (isShort && isName(first.get(c), column(below, c)) || differs(first, below, c)) {
                return new Header(true);
            }
        }
        boolean plain = named.stream().noneMatch(f -> f.matches("(?s).*[?!]|.*[.!] .*"));
        boolean different = new HashSet<>(named).size() == named.size();
        double length = words(named);
        double usual = below.stream().mapToDouble(Header::words).average().orElse(0);
        return new Header(isShort && plain && different && length <= 2.5 && usual > 2 * length);
    }

    /// `0`, `1`, `2` or `1`, `2`, `3`: names of columns that had none, maybe behind an empty one.
    private static boolean isCount(List<String> first) {
        int empty = first.getFirst().isEmpty() ? 1 : 0;
        if (first.size() - empty < 2) {
            return false;
        }
        for (int start : new int[] {0, 1}) {
            boolean counts = true;
            for (int c = empty; c < first.size(); c++) {
                counts &= first.get(c).equals(Integer.toString(start + c - empty));
            }
            if (counts) {
                return true;
            }
        }
        return false;
    }

    /// Whether nothing stands above a column of different numbers, as pandas writes its rows'.
    private static boolean isIndexed(List<String> first, List<List<String>> below) {
        if (first.size() < 2
                || !first.getFirst().isEmpty()
                || first.stream().skip(1).anyMatch(String::isEmpty)) {
            return false;
        }
        List<String> numbers = column(below, 0);
        return numbers.stream().allMatch(n -> n.matches("\\d{1,9}"))
                && numbers.stream().distinct().count() == numbers.size();
    }

    private static boolean isLanguage(String field) {
        return field.length() <= LONGEST_NAME && ColumnWords.isLanguage(field);
    }

    /// Whether a field is a name but for words that say nothing, as `Human Says:`.
    private static boolean saysRole(String field) {
        return field.length() <= LONGEST_NAME
                && !field.matches("(?s).*[?？؟!]")
                && (ColumnWords.isKnown(field) || !ColumnWords.loose(field).isEmpty());
    }

    private static boolean isName(String field, List<String> column) {
        return !field.isEmpty()
                && ColumnWords.isKnown(field)
                && column.stream().noneMatch(field::equalsIgnoreCase);
    }

    private static boolean differs(List<String> first, List<List<String>> below, int c) {
        String field = first.get(c).toLowerCase(Locale.ROOT);
        List<String> column = column(below, c).stream().filter(f -> !f.isEmpty()).toList();
        if (field.isEmpty() || column.size() < MANY) {
            return false;
        }
        Predicate<String> asks = f -> f.matches("(?s).*[?？؟]");
        return column.stream().allMatch(f -> f.matches(MARK))
                || asks.test(field) && column.stream().noneMatch(asks)
                || field.length() <= LONGEST_NAME && recursWithout(field, column);
    }

    /// Whether the values are a few that recur, and the field is none of them.
    private static boolean recursWithout(String field, List<String> column) {
        long different = column.stream().map(f -> f.toLowerCase(Locale.ROOT)).distinct().count();
        return different >= 2
                && different * RECURS <= column.size()
                && column.stream().noneMatch(field::equalsIgnoreCase);
    }

    private static List<String> column(List<List<String>> records, int c) {
        return records.stream().map(r -> c < r.size() ? r.get(c).strip() : "").toList();
    }

    private static double words(List<String> fields) {
        return fields.stream().mapToInt(f -> f.strip().split("\\s+").length).average().orElse(0);
    }
}
