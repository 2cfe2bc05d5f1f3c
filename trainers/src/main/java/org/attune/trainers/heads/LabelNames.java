package org.attune.trainers.heads;

import com.fasterxml.jackson.databind.node.ObjectNode;

import org.attune.checkpoint.ModelWriter;
import org.attune.error.DatasetException;
import org.attune.files.AtomicFile;
import org.attune.files.JsonFields;
import org.attune.json.Json;
import org.attune.models.ModelSetup;
import org.attune.trainers.examples.LabelledExample;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/// Names the labels of a classifier, and says how they are learnt.
///
/// @param problem how labels are learnt
/// @param names of the labels, by their numbers; of a regression one
record LabelNames(ProblemType problem, List<String> names) {
    private static final String FOLLOWING = "LABEL_"; // transformers' names of labels without one

    LabelNames {
        names = List.copyOf(names);
    }

    /// The labels of a run.
    ///
    /// @param rows to learn from
    /// @throws DatasetException if the rows' labels are of several kinds, or there is only one
    static LabelNames of(ClassifyConfig config, ModelSetup model, List<LabelledExample> rows) {
        List<String> given =
                !config.id2label().isEmpty()
                        ? config.id2label()
                        : model.labels() > 0 ? model.labelNames() : List.of();
        return of(config, given, rows);
    }

    /// @param given the names, where they are known
    static LabelNames of(ClassifyConfig config, List<String> given, List<LabelledExample> rows) {
        List<Object> labels = rows.stream().flatMap(r -> r.labels().stream()).toList();
        ProblemType problem = config.problemType().orElseGet(() -> looksLike(labels));
        if (!given.isEmpty()) {
            return new LabelNames(problem, given);
        }
        List<String> names =
                problem == ProblemType.REGRESSION
                        ? following(1)
                        : named(labels.stream().flatMap(LabelNames::each).toList(), problem, rows);
        if (names.size() < 2 && problem == ProblemType.SINGLE_LABEL_CLASSIFICATION) {
            throw new DatasetException(
                    "all %d rows have the label %s; accepted are rows of two labels at least, or name them by id2label"
                            .formatted(rows.size(), names));
        }
        return new LabelNames(problem, names);
    }

    private static ProblemType looksLike(List<Object> labels) {
        if (labels.stream().anyMatch(l -> l instanceof Collection<?>)) {
            return ProblemType.MULTI_LABEL_CLASSIFICATION;
        }
        boolean whole =
                labels.stream()
                        .allMatch(
                                l ->
                                        !(l instanceof Number n)
                                                || n.doubleValue() == Math.rint(n.doubleValue()));
        return whole ? ProblemType.SINGLE_LABEL_CLASSIFICATION : ProblemType.REGRESSION;
    }

    private static Stream<?> each(Object label) {
        return label instanceof Collection<?> several ? several.stream() : Stream.of(label);
    }

    private static List<String> named(
            List<?> labels, ProblemType problem, List<LabelledExample> rows) {
        if (labels.stream().allMatch(l -> l instanceof Number)) {
            boolean hot = problem == ProblemType.MULTI_LABEL_CLASSIFICATION;
            double most =
                    labels.stream().mapToDouble(l -> ((Number) l).doubleValue()).max().orElse(0);
            return following(
                    hot
                            ? (int) each(rows.getFirst().labels().getFirst()).count()
                            : (int) Math.min(most, 1 << 20) + 1);
        }
        TreeSet<String> names = new TreeSet<>();
        labels.forEach(l -> names.add(l.toString()));
        return List.copyOf(names);
    }

    private static List<String> following(int count) {
        return IntStream.range(0, count).mapToObj(i -> FOLLOWING + i).toList();
    }

    /// How many scores the head gives.
    int size() {
        return names.size();
    }

    /// What a label asks of the scores: the number of a class, a 0 or 1 of each, or a number.
    ///
    /// @throws DatasetException with the row's place, if the label is none of these
    double[] target(Object label, LabelledExample row) {
        return switch (problem) {
            case REGRESSION -> {
                if (label instanceof Number number && Double.isFinite(number.doubleValue())) {
                    yield new double[] {number.doubleValue()};
                }
                throw fault(label, row, "finite numbers are");
            }
            case SINGLE_LABEL_CLASSIFICATION -> new double[] {id(label, row)};
            case MULTI_LABEL_CLASSIFICATION -> several(label, row);
        };
    }

    private int id(Object label, LabelledExample row) {
        int named = names.indexOf(label.toString());
        boolean isId =
                label instanceof Number number
                        && number.doubleValue() == number.intValue()
                        && number.intValue() >= 0
                        && number.intValue() < names.size();
        if (named < 0 && !isId) {
            throw fault(label, row, names + " and their numbers are");
        }
        return named >= 0 ? named : ((Number) label).intValue();
    }

    private double[] several(Object label, LabelledExample row) {
        if (!(label instanceof Collection<?> given)) {
            throw fault(label, row, "lists are");
        }
        double[] hot = new double[names.size()];
        if (!given.isEmpty() && given.stream().allMatch(v -> v instanceof Number)) {
            if (given.size() != hot.length) {
                throw fault(label, row, "lists of " + hot.length + " numbers 0 or 1 are");
            }
            int i = 0;
            for (Object value : given) {
                hot[i] = ((Number) value).doubleValue();
                if (hot[i] != 0 && hot[i] != 1) {
                    throw fault(label, row, "lists of " + hot.length + " numbers 0 or 1 are");
                }
                i++;
            }
        } else {
            given.forEach(name -> hot[id(name, row)] = 1);
        }
        return hot;
    }

    private static DatasetException fault(Object label, LabelledExample row, String accepted) {
        return new DatasetException(
                "%s: the label is %s; %s accepted"
                        .formatted(row.origin().where(), label, accepted));
    }

    /// Writes the names wherever the model is written: into its `config.json`, or beside an
    /// adapter.
    ModelWriter beside(ModelWriter model) {
        return folder -> {
            model.write(folder);
            Path config = folder.resolve("config.json");
            boolean whole = Files.exists(config);
            ObjectNode json =
                    whole ? JsonFields.read(config).toNode() : Json.MAPPER.createObjectNode();
            put(json);
            write(whole ? config : folder.resolve(ModelSetup.LABELS_FILE), json);
        };
    }

    private void put(ObjectNode json) {
        ObjectNode byId = json.putObject("id2label");
        ObjectNode byName = json.putObject("label2id");
        for (int i = 0; i < names.size(); i++) {
            byId.put("" + i, names.get(i));
            byName.put(names.get(i), i);
        }
        json.put("problem_type", problem.name().toLowerCase(Locale.ROOT));
    }

    private static void write(Path file, ObjectNode json) throws IOException {
        AtomicFile.writeText(file, Json.pretty(json));
    }
}
