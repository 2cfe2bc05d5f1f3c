package org.attune.datasets.rows;

import org.attune.error.DatasetException;
import org.attune.files.GivenText;
import org.attune.program.Providers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.Stream;

/// Reads a file of rows; its name says the format.
public final class RowFiles {
    private static final List<String> TEXT =
            List.of("jsonl", "ndjson", "json", "csv", "tsv", "txt");

    private static final String PARQUET = "parquet";

    /// Arrow's files and streams; readers tell them apart by their first bytes.
    private static final List<String> ARROW = List.of("arrow", "feather", "arrows", "ipc");

    private static Map<String, RowFormat> formats; // found once: folders ask for each file

    private RowFiles() {}

    /// What is accepted, for messages.
    public static String accepted() {
        String more = String.join(", .", formats().keySet());
        return ".jsonl, .ndjson, .json, .csv, .tsv, .txt (each also with .gz), .parquet, .arrow,"
                + " .feather, .arrows and .ipc"
                + (more.isEmpty() ? "" : ", and by jars on the class path ." + more);
    }

    /// What jars on the class path bring, by extension.
    ///
    /// @throws org.attune.error.ConfigException if one can't be made, or has another's extension
    public static synchronized Map<String, RowFormat> formats() {
        if (formats == null) {
            List<String> taken =
                    Stream.of(TEXT, ARROW, List.of(PARQUET, "gz")).flatMap(List::stream).toList();
            formats = Providers.all(RowFormat.class, RowFormat::extension, taken);
        }
        return formats;
    }

    /// Whether the name has an extension that [#read] knows.
    public static boolean isSupported(Path file) {
        return format(file).isPresent();
    }

    /// All rows of `file`.
    ///
    /// @param file its extension selects the format ([#accepted])
    /// @throws DatasetException naming the first row that can't be read, or the file
    public static List<Row> readAll(Path file) {
        List<Row> rows = new ArrayList<>();
        forEach(file, rows::add);
        return rows;
    }

    /// Hands over all rows of `file`, one at a time.
    ///
    /// @param file its extension selects the format ([#accepted])
    /// @throws DatasetException naming the first row that can't be read, or the file
    public static void forEach(Path file, Consumer<Row> to) {
        read(
                file,
                new RowSink() {
                    @Override
                    public void row(Row row) {
                        to.accept(row);
                    }

                    @Override
                    public void fault(RowOrigin origin, DatasetException fault) {
                        throw fault;
                    }
                });
    }

    /// Reads all rows of `file` into `sink`, one at a time.
    ///
    /// @param file its extension selects the format ([#accepted])
    /// @throws DatasetException if the file as a whole can't be read, or if `sink` refuses a row
    public static void read(Path file, RowSink sink) {
        read(file, sink, SampleBy.LINE);
    }

    /// Whether a file's rows are pieces of plain text.
    public static boolean isText(Path file) {
        return format(file).equals(Optional.of("txt"));
    }

    /// Reads a file's rows one after the other, with a choice of what a row of plain text is.
    ///
    /// @param unit what one row of plain text is
    public static void read(Path file, RowSink sink, SampleBy unit) {
        if (Files.isDirectory(file)) {
            throw new DatasetException(file + ": it is a folder; a file of rows is accepted");
        }
        String format =
                format(file)
                        .orElseThrow(
                                () ->
                                        new DatasetException(
                                                file
                                                        + ": the extension doesn't say what the"
                                                        + " file holds; accepted are "
                                                        + accepted()));
        RowFile source = new RowFile(file, file.toString(), RowLimits.ofSystem());
        try {
            switch (format) {
                case "jsonl", "ndjson" -> JsonLinesReader.read(source, sink);
                case "json" -> JsonReader.read(source, sink);
                case "csv" -> CsvReader.readCommas(source, sink);
                case "tsv" -> CsvReader.readTabs(source, sink);
                case "txt" -> TextReader.read(source, sink, unit);
                case PARQUET -> ParquetReader.read(source, sink);
                case "arrow", "feather", "arrows", "ipc" -> ArrowReader.read(source, sink);
                default -> GivenRows.read(formats().get(format), source, sink);
            }
        } catch (NoSuchFileException e) {
            throw new DatasetException(file + ": there is no such file", e);
        } catch (CharacterCodingException e) {
            throw located(source, e);
        } catch (OutOfMemoryError e) {
            throw new DatasetException(
                    "%s: its rows need more than the %d MiB that Java may take; use fewer rows, or raise the limit, for example with ATTUNE_JAVA_OPTS=-Xmx8g"
                            .formatted(file, Runtime.getRuntime().maxMemory() >> 20),
                    e);
        } catch (IOException e) {
            throw new DatasetException(file + ": can't be read: " + GivenText.reason(file, e), e);
        } catch (UncheckedIOException e) {
            throw new DatasetException(file + ": can't be read: " + e.getCause().getMessage(), e);
        }
    }

    private static DatasetException located(RowFile source, CharacterCodingException cause) {
        try {
            return Utf8.locate(source);
        } catch (IOException e) {
            e.addSuppressed(cause);
            return new DatasetException(source.name() + ": can't be read: " + e.getMessage(), e);
        }
    }

    private static Optional<String> format(Path file) {
        String name =
                file.getFileName() == null
                        ? ""
                        : file.getFileName().toString().toLowerCase(Locale.ROOT);
        String ending = name.substring(name.lastIndexOf('.') + 1);
        boolean binary = name.contains(".") && (ending.equals(PARQUET) || ARROW.contains(ending));
        if (binary && !Files.isDirectory(file)) {
            return Optional.of(ending);
        }
        String plain = name.endsWith(".gz") ? name.substring(0, name.length() - 3) : name;
        String extension = plain.substring(plain.lastIndexOf('.') + 1);
        if (!plain.contains(".")) {
            return Optional.empty();
        }
        return TEXT.contains(extension) || formats().containsKey(extension)
                ? Optional.of(extension)
                : Optional.empty();
    }
}
