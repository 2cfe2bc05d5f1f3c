package org.attune.trainers.distillation;

import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Positive;

import org.attune.error.DatasetException;
import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/// Who teaches.
///
/// @param teacherModelNameOrPath folder or hub name of the teacher, or folder of an adapter that
///     names its base; unset: the student's base model, with the teacher's adapter
/// @param teacherModelRevision revision of a name on the Hub
/// @param teacherAdapterNameOrPath PEFT folder of the teacher's adapter; unset: none
/// @param teacherModelServerUrl OpenAI-compatible server of a teacher, up to `/v1`; unset: the
///     teacher is in this process
/// @param teacherServerModel the teacher's name there
/// @param teacherServerTimeout seconds that the server may take for one sequence
/// @param teacherServerConcurrency sequences asked about at once
/// @param lossTopK tokens that the server tells for each place, ≥ 1; all others count as one
/// @param teacherModels teachers by domain: folder or hub name of a model, or folder of an adapter
///     that names its base; empty: there is one teacher
/// @param teacherColumn the column of a row that names its domain
/// @param teacherWeights how much rows of a domain count, by domain; ≥ 0. Unset: 1
@CopyMethods
public record TeacherConfig(
        Optional<String> teacherModelNameOrPath,
        Optional<String> teacherModelRevision,
        Optional<String> teacherAdapterNameOrPath,
        Optional<String> teacherModelServerUrl,
        Optional<String> teacherServerModel,
        @InRange(min = 0, minOpen = true) double teacherServerTimeout,
        @Positive(message = "a whole number >= 1") int teacherServerConcurrency,
        @Positive(message = "a whole number >= 1") int lossTopK,
        Map<String, String> teacherModels,
        @NotBlank(message = "the name of a column") String teacherColumn,
        Map<String, Double> teacherWeights)
        implements TeacherConfigCopies {
    /// The defaults, as listed at the parameters.
    public static TeacherConfig defaults() {
        return TeacherConfigCopies.blank()
                .withTeacherServerTimeout(240)
                .withTeacherServerConcurrency(16)
                .withLossTopK(1)
                .withTeacherColumn("teacher_id");
    }

    /// Whether each domain has a teacher.
    boolean areSeveral() {
        return !teacherModels.isEmpty();
    }

    /// The domains in the order of their names.
    List<String> domains() {
        return List.copyOf(new TreeSet<>(teacherModels.keySet()));
    }

    /// The teachers by domain, in the order of their names; one without a name where there is one.
    Map<String, TeacherConfig> each() {
        if (!areSeveral()) {
            return Map.of("", this);
        }
        Map<String, TeacherConfig> each = new LinkedHashMap<>();
        for (String domain : domains()) {
            String name = teacherModels.get(domain);
            each.put(domain, withTeacherModels(Map.of()).withTeacherModelNameOrPath(name));
        }
        return each;
    }

    /// Number of the teacher of a row's domain, in the order of [#each].
    ///
    /// @param columns of the row
    /// @throws DatasetException if the row has no known domain
    int teacherOf(Map<String, Object> columns) {
        if (!areSeveral()) {
            return 0;
        }
        List<String> domains = domains();
        Object domain = columns.get(teacherColumn);
        int number = domain == null ? -1 : domains.indexOf(domain.toString());
        if (number < 0) {
            throw new DatasetException(
                    "%s is %s; accepted: one of the domains of teacher_models (%s), which says who teaches the row"
                            .formatted(
                                    teacherColumn,
                                    domain == null ? "missing" : "\"" + domain + "\"",
                                    String.join(", ", domains)));
        }
        return number;
    }

    private List<ConfigProblem> domainProblems() {
        List<ConfigProblem> problems = new ArrayList<>();
        boolean another =
                teacherModelNameOrPath.isPresent()
                        || teacherAdapterNameOrPath.isPresent()
                        || teacherModelServerUrl.isPresent()
                        || teacherModelRevision.isPresent();
        if (areSeveral() && another) {
            problems.add(
                    new ConfigProblem(
                            "teacher_models",
                            teacherModels,
                            "unset beside teacher_model_name_or_path, teacher_model_revision,"
                                    + " teacher_adapter_name_or_path or"
                                    + " teacher_model_server_url, which are of one teacher"));
        }
        teacherWeights.forEach(
                (domain, weight) -> {
                    if (!teacherModels.containsKey(domain) || !(weight >= 0 && weight < 1e9)) {
                        problems.add(
                                new ConfigProblem(
                                        "teacher_weights",
                                        Map.of(domain, weight),
                                        "numbers >= 0 by the domains of teacher_models"));
                    }
                });
        return problems;
    }

    /// Columns of rows that say who teaches them.
    Set<String> columns() {
        return areSeveral() ? Set.of(teacherColumn) : Set.of();
    }

    /// How much rows of each teacher count, in the order of [#each].
    List<Double> weights() {
        return each().keySet().stream()
                .map(domain -> teacherWeights.getOrDefault(domain, 1.0))
                .toList();
    }

    /// Whether a teacher is named.
    boolean isNamed() {
        return areSeveral()
                || teacherModelNameOrPath.isPresent()
                || teacherAdapterNameOrPath.isPresent()
                || teacherModelServerUrl.isPresent();
    }

    /// What is missing, or too much.
    ///
    /// @param temperature of the loss
    List<ConfigProblem> problems(double temperature) {
        List<ConfigProblem> problems = new ArrayList<>();
        boolean here = teacherModelNameOrPath.isPresent() || teacherAdapterNameOrPath.isPresent();
        if (!isNamed()) {
            problems.add(
                    new ConfigProblem(
                            "teacher_model_name_or_path",
                            "null",
                            "a teacher: the folder of a model or of an adapter, or"
                                    + " teacher_adapter_name_or_path for an adapter on the"
                                    + " student's base model, or teacher_model_server_url, or"
                                    + " teacher_models for a teacher of each domain"));
        }
        problems.addAll(domainProblems());
        if (teacherModelServerUrl.isEmpty()) {
            return problems;
        }
        if (here) {
            problems.add(
                    new ConfigProblem(
                            "teacher_model_server_url",
                            teacherModelServerUrl.get(),
                            "unset beside teacher_model_name_or_path or"
                                    + " teacher_adapter_name_or_path: there is one teacher"));
        }
        if (teacherServerModel.isEmpty()) {
            problems.add(
                    new ConfigProblem(
                            "teacher_server_model", "null", "the teacher's name on the server"));
        }
        if (!teacherModelServerUrl.get().matches("https?://[^/?#\\s]+(/[^?#\\s]*)?")) {
            problems.add(
                    new ConfigProblem(
                            "teacher_model_server_url",
                            teacherModelServerUrl.get(),
                            "an address such as http://localhost:8000/v1"));
        }
        if (temperature != 1) {
            problems.add(
                    new ConfigProblem(
                            "temperature",
                            temperature,
                            "1 with teacher_model_server_url, which tells log-probabilities at"
                                    + " temperature 1"));
        }
        return problems;
    }

    /// Models that are read, by name or folder.
    List<Optional<String>> inputs() {
        List<Optional<String>> inputs = new ArrayList<>();
        inputs.add(teacherModelNameOrPath);
        inputs.add(teacherAdapterNameOrPath);
        teacherModels.values().forEach(name -> inputs.add(Optional.of(name)));
        return inputs;
    }
}
