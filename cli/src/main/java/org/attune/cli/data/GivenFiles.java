package org.attune.cli.data;

import org.attune.datasets.rows.Row;
import org.attune.datasets.rows.RowFiles;
import org.attune.error.ConfigException;
import org.attune.error.StopRequest;

import picocli.CommandLine.Parameters;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.IntPredicate;

/// The files that a command reads.
final class GivenFiles {
    @Parameters(
            arity = "1..*",
            paramLabel = "FILE",
            description = "Files of rows; the ending says the format (docs/data.md).")
    List<Path> files;

    /// Hands over all rows, one file after the other.
    ///
    /// @throws org.attune.error.DatasetException naming the first row that can't be read
    void forEach(Consumer<Row> to) {
        for (Path file : files) {
            RowFiles.forEach(
                    file,
                    row -> {
                        StopRequest.check();
                        to.accept(row);
                    });
        }
    }

    /// Hands over the rows whose numbers are wanted; the first row of all files has number 0.
    void forEach(IntPredicate wanted, Consumer<Row> to) {
        var number = new int[1];
        forEach(
                row -> {
                    if (wanted.test(number[0]++)) {
                        to.accept(row);
                    }
                });
    }

    /// Refuses to write over what is there.
    ///
    /// @throws ConfigException naming the file
    static void requireNew(Path file) {
        if (Files.exists(file)) {
            throw new ConfigException(
                    "--out: %s is there already; name another file, or remove it".formatted(file));
        }
    }
}
