package org.attune.datasets.rows;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.api.Api;
import org.attune.error.DatasetException;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;

/// A kind of file with rows, beside those that [RowFiles] knows. A jar on the class path brings one
/// by `META-INF/services/org.attune.datasets.rows.RowFormat`.
@Api(EXPERIMENTAL)
public interface RowFormat {
    /// The ending of such files' names, in lower case and without the dot; a file may have `.gz`
    /// behind it.
    String extension();

    /// Gives every row to `sink`, in the order of the file. A row that can't be read while the rest
    /// of the file can is a [RowSink#fault].
    ///
    /// @param file its name is that of messages and of each row's [RowOrigin]
    /// @param bytes what it holds, unpacked; closed by who calls
    /// @throws DatasetException if the file as a whole can't be read
    void read(Path file, InputStream bytes, RowSink sink) throws IOException;
}
