package org.attune.bench;

import org.attune.error.AttuneException;
import org.attune.error.ConfigException;
import org.attune.files.AtomicFile;
import org.knowm.xchart.XYChart;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/// A benchmark at several sizes, with what theory says beside each.
///
/// @param dimension that varies
/// @param sizes its values
/// @param spec the work otherwise
/// @param shape of a random model
public record BenchSweep(
        String dimension, List<Integer> sizes, BenchSpec spec, Optional<ModelShape> shape) {
    private static final String VOCABULARY = "vocab";
    private static final String BY_OPERATIONS = "operations at the products' speed, s";
    private static final String RESIDENT = "resident by theory, MiB";
    private static final List<String> TIMES = List.of(Figures.STEP, BY_OPERATIONS, Figures.H100);
    private static final List<String> MEMORY = List.of(Figures.PEAK, RESIDENT);

    /// Which sizes make a difference to a task.
    private static TreeSet<String> dimensions(BenchTask task) {
        return new TreeSet<>(
                switch (task) {
                    case SFT, DPO -> List.of("length", "rows", "rank", VOCABULARY);
                    case GRPO ->
                            List.of("rows", "rank", "completions", "prompt", "new", VOCABULARY);
                    case GENERATE -> List.of("sequences", "prompt", "new", "rank", VOCABULARY);
                    case PREFILL -> List.of("sequences", "prompt", "rank", VOCABULARY);
                });
    }

    /// @param text such as `length=128,256`
    /// @throws ConfigException if it isn't, or the dimension does not vary the task
    public static BenchSweep parse(String text, BenchSpec spec, Optional<ModelShape> shape) {
        String[] parts = text.split("=", 2);
        var known = dimensions(spec.task());
        if (parts.length != 2
                || !known.contains(parts[0])
                || !parts[1].matches("\\d{1,9}(,\\d{1,9})*")) {
            throw new ConfigException(
                    "--vary is %s; accepted for %s: one of %s, =, and whole numbers with commas between"
                            .formatted(text, spec.task().label(), known));
        }
        if (parts[0].equals(VOCABULARY) && shape.isEmpty()) {
            throw new ConfigException(
                    "--vary vocab needs a random model; leave --model out and give its shape");
        }
        List<Integer> sizes = new ArrayList<>();
        for (String size : parts[1].split(",")) {
            sizes.add(Integer.valueOf(size));
        }
        var sweep = new BenchSweep(parts[0], sizes, spec, shape);
        sizes.forEach(sweep::spec); // refuses what is out of range before anything runs
        sizes.forEach(sweep::shape);
        return sweep;
    }

    private BenchSpec spec(int size) {
        return spec.with(dimension, size);
    }

    private Optional<ModelShape> shape(int size) {
        return dimension.equals(VOCABULARY) ? shape.map(s -> s.withVocabulary(size)) : shape;
    }

    /// Measures each size and writes `sweep.csv`, `sweep.md`, `time.png` and `memory.png`.
    ///
    /// @param folder exists
    /// @return a table with a header
    public List<List<String>> run(BenchSession session, Path folder) {
        List<Map<String, Double>> lines = new ArrayList<>();
        for (int size : sizes) {
            session.progress().accept(dimension + " " + size);
            BenchSession.Outcome outcome = session.run(spec(size), shape(size));
            lines.add(line(size, outcome));
        }
        List<List<String>> table = table(lines);
        write(folder.resolve("sweep.csv"), csv(lines));
        write(folder.resolve("sweep.md"), markdown(table));
        BenchChart.write(folder.resolve("time.png"), chart(lines, "seconds a step", TIMES));
        if (spec.task().trains()) {
            BenchChart.write(folder.resolve("memory.png"), chart(lines, "MiB", MEMORY));
        }
        return table;
    }

    private Map<String, Double> line(int size, BenchSession.Outcome outcome) {
        Map<String, Double> medians = Figures.medians(outcome.attune());
        Map<String, Double> line = new LinkedHashMap<>();
        line.put(dimension, (double) size);
        List<String> copied = new ArrayList<>();
        copied.addAll(List.of(Figures.STEP, Figures.TOKENS, Figures.DECODE, Figures.PREFILL));
        copied.addAll(List.of(Figures.PEAK, Figures.WORK, Figures.BYTES, Figures.CEILING));
        copied.add(Figures.H100);
        for (String name : copied) {
            if (medians.containsKey(name)) {
                line.put(name, medians.get(name));
            }
        }
        line.put(BY_OPERATIONS, medians.get(Figures.WORK) / medians.get(Figures.CEILING));
        if (spec.task().trains()) {
            var last = outcome.last();
            var figures = new Figures(spec(size), last, BenchSession.theory(spec(size), last));
            line.put(RESIDENT, figures.residentMib());
        }
        return line;
    }

    private static List<List<String>> table(List<Map<String, Double>> lines) {
        List<List<String>> table = new ArrayList<>();
        table.add(List.copyOf(lines.getFirst().keySet()));
        for (Map<String, Double> line : lines) {
            table.add(line.values().stream().map(BenchText::number).toList());
        }
        return table;
    }

    private static String markdown(List<List<String>> table) {
        var text = new StringBuilder(BenchText.line(table.getFirst()));
        text.append("|---".repeat(table.getFirst().size())).append("|\n");
        table.subList(1, table.size()).forEach(row -> text.append(BenchText.line(row)));
        return text.toString();
    }

    private static String csv(List<Map<String, Double>> lines) {
        var text = new StringBuilder();
        lines.getFirst().keySet().forEach(name -> text.append('"').append(name).append("\","));
        for (Map<String, Double> line : lines) {
            text.setCharAt(text.length() - 1, '\n');
            line.values().forEach(value -> text.append(value).append(','));
        }
        text.setCharAt(text.length() - 1, '\n');
        return text.toString();
    }

    private XYChart chart(List<Map<String, Double>> lines, String quantity, List<String> names) {
        Map<String, List<Double>> series = new LinkedHashMap<>();
        for (String name : names) {
            series.put(name, lines.stream().map(line -> line.get(name)).toList());
        }
        return BenchChart.sweep(dimension, sizes, quantity, series);
    }

    private static void write(Path file, String text) {
        try {
            AtomicFile.writeText(file, text);
        } catch (IOException e) {
            throw new AttuneException(file + " can't be written: " + e.getMessage(), e);
        }
    }
}
