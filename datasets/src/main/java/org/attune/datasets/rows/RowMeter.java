package org.attune.datasets.rows;

import org.attune.error.DatasetException;
import org.attune.error.Excerpt;

import java.io.IOException;
import java.nio.file.Files;

/// Counts what the rows of a binary file hold. A dictionary's text may stand in any number of
/// rows, so a small file may become large ones.
final class RowMeter {
    private final RowFile file;
    private final long size;
    private long unpacked;
    private long text;
    private long rowText;
    private int rowValues;
    private RowOrigin origin;

    /// What is wrong with the row; empty if nothing is.
    private String fault = "";

    RowMeter(RowFile file) throws IOException {
        this.file = file;
        this.size = Files.size(file.path());
    }

    /// Begins a row.
    void begin(RowOrigin next) {
        origin = next;
        rowText = 0;
        rowValues = 0;
        fault = "";
    }

    /// Counts a value of the row.
    ///
    /// @param length bytes or characters that it holds
    /// @throws DatasetException if the row or the file becomes too large
    void count(long length) {
        rowValues++;
        rowText += length;
        text = checked(text + length);
        if (rowText > file.limits().row() || rowValues > RowLimits.VALUES) {
            throw file.limits().tooLong(origin.where() + ": the row");
        }
    }

    /// Counts bytes to which packed ones of the file unpack.
    ///
    /// @throws DatasetException if they become too many
    void unpack(long length) {
        unpacked = checked(unpacked + length);
    }

    private long checked(long bytes) {
        if (bytes > file.limits().unpackedOf(size)) {
            throw file.limits().unpacksTooFar(file.name(), size);
        }
        return bytes;
    }

    /// The value of a JSON text, or null and a fault of the row.
    Object json(String json, String column) {
        try {
            return JsonValues.parse(json, "column \"%s\"".formatted(Excerpt.of(column)));
        } catch (DatasetException e) {
            fault(e.getMessage());
            return null;
        }
    }

    /// Notes that the row can't be read although the rest of the file can.
    void fault(String message) {
        fault = message;
    }

    /// Hands the row over, or its fault.
    void end(Row row, RowSink sink) {
        if (fault.isEmpty()) {
            sink.row(row);
        } else {
            sink.fault(origin, new DatasetException(origin.where() + ": " + fault));
        }
    }
}
