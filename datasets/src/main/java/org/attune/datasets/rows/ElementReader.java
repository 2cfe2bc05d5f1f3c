package org.attune.datasets.rows;

import java.io.IOException;
import java.io.Reader;

/// Characters of a JSON array, of which one element may not have more than a row may.
final class ElementReader extends Reader {
    private final Reader in;
    private final RowLimits limits;
    private String element;
    private long count;

    /// @param in closed with this reader
    /// @param element what messages call the characters that come first
    ElementReader(Reader in, RowLimits limits, String element) {
        this.in = in;
        this.limits = limits;
        this.element = element;
    }

    /// Counts from here on.
    ///
    /// @param what messages call the element, with its place
    void begin(String what) {
        element = what;
        count = 0;
    }

    @Override
    public int read(char[] chars, int offset, int length) throws IOException {
        int n = in.read(chars, offset, length);
        count += Math.max(0, n);
        if (count > limits.row()) {
            throw limits.tooLong(element);
        }
        return n;
    }

    @Override
    public void close() throws IOException {
        in.close();
    }
}
