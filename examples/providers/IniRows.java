import module java.base;

import org.attune.datasets.rows.*;

/// Files of rows that end in `.ini`: a section is a row, its keys are columns.
public final class IniRows implements RowFormat {
    @Override
    public String extension() {
        return "ini";
    }

    @Override
    public void read(Path file, InputStream bytes, RowSink sink) throws IOException {
        var lines = new LineNumberReader(new InputStreamReader(bytes, StandardCharsets.UTF_8));
        Map<String, Object> columns = new LinkedHashMap<>();
        long row = 0;
        long at = 0;
        String line;
        do {
            line = lines.readLine();
            if ((line == null || line.startsWith("[")) && !columns.isEmpty()) {
                sink.row(new Row(columns, new RowOrigin(file.toString(), at, row++)));
                columns = new LinkedHashMap<>();
            } else if (line != null && line.contains("=")) {
                at = lines.getLineNumber();
                columns.put(line.split("=", 2)[0].strip(), line.split("=", 2)[1].strip());
            }
        } while (line != null);
    }
}
