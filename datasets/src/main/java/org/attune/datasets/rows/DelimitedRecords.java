package org.attune.datasets.rows;

import java.io.IOException;
import java.io.Reader;
import java.util.ArrayList;
import java.util.List;

/// Records of delimited text, one after the other: fields quoted or not, with line breaks in
/// quotes, after RFC 4180. Knows nothing of headers.
public final class DelimitedRecords {
    private final Reader in;
    private final char delimiter;
    private final char quote;
    private final boolean escapes;
    private final boolean ignoresBlanks;
    private final Watch watch;
    private final StringBuilder field = new StringBuilder();
    private int ahead;
    private long line = 1;
    private long recordLength;

    /// Told of what is read.
    public interface Watch {
        /// A quote is opened and never closed, or text follows one that closes. If this returns,
        /// the record ends there.
        ///
        /// @param line from 1, in which it was opened or the text follows
        void fault(long line, String what);

        /// A character was read.
        ///
        /// @param length characters of the record so far
        default void took(int character, long length) {}

        /// Another field begins.
        ///
        /// @param fields of the record so far
        default void begins(int fields) {}
    }

    /// How fields are told apart.
    ///
    /// @param delimiter between fields
    /// @param quote around fields; within one it is written twice
    /// @param escapes whether a backslash before a quote or a backslash does the same
    public record Dialect(char delimiter, char quote, boolean escapes) {
        /// RFC 4180's, with any delimiter.
        public static Dialect usual(char delimiter) {
            return new Dialect(delimiter, '"', false);
        }
    }

    /// @param in at its start; a byte order mark is skipped
    /// @param ignoresBlanks whether blanks between quotes and delimiters belong to no field
    public DelimitedRecords(Reader in, Dialect dialect, boolean ignoresBlanks, Watch watch)
            throws IOException {
        this.in = in;
        this.delimiter = dialect.delimiter();
        this.quote = dialect.quote();
        this.escapes = dialect.escapes();
        this.ignoresBlanks = ignoresBlanks;
        this.watch = watch;
        ahead = in.read();
        if (ahead == '\uFEFF') {
            ahead = in.read();
        }
    }

    /// The line that is read next, from 1.
    public long line() {
        return line;
    }

    /// Goes to the next line that isn't empty.
    void skipEmptyLines() throws IOException {
        while (ahead == '\n' || ahead == '\r') {
            take();
            recordLength = 0;
        }
    }

    /// The fields of the next record, or null at the end of the text.
    public List<String> next() throws IOException {
        if (ahead < 0) {
            return null;
        }
        recordLength = 0;
        List<String> fields = new ArrayList<>();
        while (true) {
            watch.begins(fields.size());
            fields.add(field());
            if (ahead == delimiter) {
                take();
                continue;
            }
            if (ahead == '\r') {
                take();
            }
            if (ahead == '\n') {
                take();
            }
            return fields;
        }
    }

    private String field() throws IOException {
        field.setLength(0);
        while (ignoresBlanks && ahead == ' ' && delimiter != ' ') {
            field.append((char) take());
        }
        if (ahead == quote) {
            return quoted();
        }
        while (!isAtEnd()) {
            field.append((char) take());
        }
        return field.toString();
    }

    private boolean isAtEnd() {
        return ahead < 0 || ahead == delimiter || ahead == '\n' || ahead == '\r';
    }

    private String quoted() throws IOException {
        long opened = line;
        field.setLength(0);
        take();
        while (true) {
            if (ahead < 0) {
                watch.fault(opened, "a quote is opened and never closed");
                return field.toString();
            }
            int c = take();
            if (escapes && c == '\\' && (ahead == quote || ahead == '\\')) {
                field.append((char) take());
            } else if (c != quote) {
                field.append((char) c);
            } else if (ahead == quote) {
                field.append((char) take());
            } else {
                break;
            }
        }
        while (ignoresBlanks && ahead == ' ' && !isAtEnd()) {
            take();
        }
        if (!isAtEnd()) {
            watch.fault(
                    line,
                    "'%s' after a closing quote; write '%s' between fields, and a quote inside a field twice"
                            .formatted(shown((char) ahead), shown(delimiter)));
        }
        return field.toString();
    }

    private static String shown(char delimiter) {
        return delimiter == '\t' ? "\\t" : String.valueOf(delimiter);
    }

    private int take() throws IOException {
        int taken = ahead;
        watch.took(taken, ++recordLength);
        ahead = in.read();
        if (taken == '\n' || taken == '\r' && ahead != '\n') {
            line++;
        }
        return taken;
    }
}
