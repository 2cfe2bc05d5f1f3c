package org.attune.datasets.rows;

import org.attune.error.AttuneException;
import org.attune.error.DatasetException;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;

/// Reads a file by a [RowFormat] of a jar. Its rows must hold what rows of JSON hold, since what
/// reads them knows no other values.
final class GivenRows {
    private GivenRows() {}

    static void read(RowFormat format, RowFile file, RowSink sink) throws IOException {
        String reader = format.getClass().getName();
        try (InputStream bytes = file.open()) {
            format.read(file.path(), bytes, new Checked(sink, reader));
        } catch (AttuneException | UncheckedIOException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new DatasetException(
                    "%s: its reader, %s of a jar, failed: %s".formatted(file.name(), reader, e), e);
        }
    }

    private record Checked(RowSink sink, String reader) implements RowSink {
        @Override
        public void header(String where, List<String> columns) {
            sink.header(where, columns);
        }

        @Override
        public void row(Row row) {
            row.columns().forEach((name, value) -> require(row, name, value));
            sink.row(row);
        }

        @Override
        public void fault(RowOrigin origin, DatasetException fault) {
            sink.fault(origin, fault);
        }

        private void require(Row row, String column, Object value) {
            switch (value) {
                case null -> {}
                case String _, Long _, Double _, Boolean _, BigInteger _ -> {}
                case List<?> list -> list.forEach(one -> require(row, column, one));
                case Map<?, ?> map -> map.values().forEach(one -> require(row, column, one));
                default ->
                        throw new DatasetException(
                                "%s: column \"%s\" holds %s, a %s; %s may give texts, Long, Double, Boolean, BigInteger, null, lists and maps"
                                        .formatted(
                                                row.origin().where(),
                                                column,
                                                value,
                                                value.getClass().getSimpleName(),
                                                reader));
            }
        }
    }
}
