package org.attune.jinja;

import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.TextStyle;
import java.time.temporal.ChronoField;
import java.time.temporal.IsoFields;
import java.util.Locale;

/// Python's `strftime` with English names.
final class Strftime {
    private Strftime() {}

    static String format(ZonedDateTime time, String format) {
        Budget.characters(format.length());
        var out = new StringBuilder();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            Budget.charge(40);
            char directive = format.charAt(++i);
            boolean unpadded = directive == '-' && i + 1 < format.length();
            String text = directive(time, unpadded ? format.charAt(++i) : directive);
            out.append(unpadded ? text.replaceFirst("^[0 ]+(?=.)", "") : text);
        }
        return out.toString();
    }

    private static String directive(ZonedDateTime t, char directive) {
        return switch (directive) {
            case 'a' -> t.getDayOfWeek().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'A' -> t.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'b', 'h' -> t.getMonth().getDisplayName(TextStyle.SHORT, Locale.ENGLISH);
            case 'B' -> t.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH);
            case 'c' -> format(t, "%a %b %e %H:%M:%S %Y");
            case 'C' -> "%02d".formatted(t.getYear() / 100);
            case 'd' -> "%02d".formatted(t.getDayOfMonth());
            case 'D', 'x' -> format(t, "%m/%d/%y");
            case 'e' -> "%2d".formatted(t.getDayOfMonth());
            case 'f' -> "%06d".formatted(t.getNano() / 1000);
            case 'F' -> format(t, "%Y-%m-%d");
            case 'G' -> "%04d".formatted(t.get(IsoFields.WEEK_BASED_YEAR));
            case 'H' -> "%02d".formatted(t.getHour());
            case 'I' -> "%02d".formatted(t.get(ChronoField.CLOCK_HOUR_OF_AMPM));
            case 'j' -> "%03d".formatted(t.getDayOfYear());
            case 'k' -> "%2d".formatted(t.getHour());
            case 'l' -> "%2d".formatted(t.get(ChronoField.CLOCK_HOUR_OF_AMPM));
            case 'm' -> "%02d".formatted(t.getMonthValue());
            case 'M' -> "%02d".formatted(t.getMinute());
            case 'n' -> "\n";
            case 'p' -> t.getHour() < 12 ? "AM" : "PM";
            case 'P' -> t.getHour() < 12 ? "am" : "pm";
            case 'r' -> format(t, "%I:%M:%S %p");
            case 'R' -> format(t, "%H:%M");
            case 's' -> Long.toString(t.toEpochSecond());
            case 'S' -> "%02d".formatted(t.getSecond());
            case 't' -> "\t";
            case 'T', 'X' -> format(t, "%H:%M:%S");
            case 'u' -> Integer.toString(t.getDayOfWeek().getValue());
            case 'U' -> week(t, t.getDayOfWeek().getValue() % 7);
            case 'V' -> "%02d".formatted(t.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR));
            case 'w' -> Integer.toString(t.getDayOfWeek().getValue() % 7);
            case 'W' -> week(t, t.getDayOfWeek().getValue() - 1);
            case 'y' -> "%02d".formatted(t.getYear() % 100);
            case 'Y' -> Integer.toString(t.getYear());
            case 'z' -> DateTimeFormatter.ofPattern("xx", Locale.ROOT).format(t);
            case 'Z' -> DateTimeFormatter.ofPattern("zzz", Locale.ENGLISH).format(t);
            case '%' -> "%";
            default -> "%" + directive;
        };
    }

    /// Week of the year, from 0; weeks start on the day that `dayOfWeek` counts from.
    private static String week(ZonedDateTime t, int dayOfWeek) {
        return "%02d".formatted((t.getDayOfYear() + 6 - dayOfWeek) / 7);
    }
}
