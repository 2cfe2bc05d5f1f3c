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
/// @param teacherServerUrls such servers by domain; one alone teaches all rows. Empty: none
/// @param teacherServerModel the teacher's name there; unset: the first model that a server lists
/// @param teacherServerTimeout seconds that the server may take for one sequence
/// @param teacherServerConcurrency sequences asked about at once
/// @param lossTopK tokens that the server tells for each place, ≥ 1
/// @param lossAddTail whether all tokens that aren't compared count as one more
/// @param comparedTokens which tokens of a server are compared; unset: [Compared#WRITTEN] where β
///     is above 0, else [Compared#LIKELIEST], as in TRL's `ServerDistillationTrainer`
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
        Map<String, String> teacherServerUrls,
        Optional<String> teacherServerModel,
        @InRange(min = 0, minOpen = true) double teacherServerTimeout,
        @Positive(message = "a whole number >= 1") int teacherServerConcurrency,
        @Positive(message = "a whole number >= 1") int lossTopK,
        boolean lossAddTail,
        Optional<Compared> comparedTokens,
        Map<String, String> teacherModels,
        @NotBlank(message = "the name of a column") String teacherColumn,
        Map<String, Double> teacherWeights)
        implements TeacherConfigCopies {
    private static final String URL = "https?://[^/?#\\s]+(/[^?#\\s]*)?";

    /// Tokens whose probabilities a server tells and that are compared.
    public enum Compared {
        /// The one that was written, beside the teacher's likeliest one; with β 1 alone, with β 0
        /// beside the `lossTopK` likeliest, as in TRL's `AsyncDistillationTrainer`.
        WRITTEN,
        /// The teacher's `lossTopK` likeliest.
        LIKELIEST
    }

    /// The defaults, as listed at the parameters.
    public static TeacherConfig defaults() {
        return TeacherConfigCopies.blank()
                .withTeacherServerTimeout(240)
                .withTeacherServerConcurrency(16)
                .withLossTopK(1)
                .withLossAddTail(true)
                .withTeacherColumn("teacher_id");
    }

    /// Whether each domain has a teacher.
    boolean areSeveral() {
        return !teacherModels.isEmpty() || teacherServerUrls.size() > 1;
    }

    /// Whether teachers are on servers.
    boolean isServed() {
        return teacherModelServerUrl.isPresent() || !teacherServerUrls.isEmpty();
    }

    /// The domains in the order of their names.
    List<String> domains() {
        Map<String, String> named = teacherModels.isEmpty() ? teacherServerUrls : teacherModels;
        return areSeveral() ? List.copyOf(new TreeSet<>(named.keySet())) : List.of();
    }

    /// The teachers by domain, in the order of their names; one without a name where there is one.
    Map<String, TeacherConfig> each() {
        TeacherConfig one = withTeacherModels(Map.of()).withTeacherServerUrls(Map.of());
        if (!areSeveral()) {
            return Map.of(
                    "",
                    teacherServerUrls.values().stream()
                            .findFirst()
                            .map(one::withTeacherModelServerUrl)
                            .orElse(one));
        }
        Map<String, TeacherConfig> each = new LinkedHashMap<>();
        for (String domain : domains()) {
            each.put(
                    domain,
                    teacherModels.isEmpty()
                            ? one.withTeacherModelServerUrl(teacherServerUrls.get(domain))
                            : one.withTeacherModelNameOrPath(teacherModels.get(domain)));
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
                    "%s is %s; accepted: one of the domains of %s (%s), which says who teaches the row"
                            .formatted(
                                    teacherColumn,
                                    domain == null ? "missing" : "\"" + domain + "\"",
                                    several(),
                                    String.join(", ", domains)));
        }
        return number;
    }

    /// The key that names several teachers.
    private String several() {
        return teacherModels.isEmpty() ? "teacher_server_urls" : "teacher_models";
    }

    private List<ConfigProblem> domainProblems() {
        List<ConfigProblem> problems = new ArrayList<>();
        boolean another =
                teacherModelNameOrPath.isPresent()
                        || teacherAdapterNameOrPath.isPresent()
                        || teacherModelServerUrl.isPresent()
                        || teacherModelRevision.isPresent()
                        || !teacherModels.isEmpty() && !teacherServerUrls.isEmpty();
        if ((areSeveral() || !teacherServerUrls.isEmpty()) && another) {
            problems.add(
                    new ConfigProblem(
                            several(),
                            teacherModels.isEmpty() ? teacherServerUrls : teacherModels,
                            "alone: teachers by domain are all models (teacher_models) or all on"
                                    + " servers (teacher_server_urls), and"
                                    + " teacher_model_name_or_path, teacher_model_revision,"
                                    + " teacher_adapter_name_or_path and teacher_model_server_url"
                                    + " are of one teacher"));
        }
        teacherWeights.forEach(
                (domain, weight) -> {
                    if (!domains().contains(domain) || !(weight >= 0 && weight < 1e9)) {
                        problems.add(
                                new ConfigProblem(
                                        "teacher_weights",
                                        Map.of(domain, weight),
                                        "numbers >= 0 by the domains of teacher_models or"
                                                + " teacher_server_urls"));
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
                || isServed();
    }

    /// What is missing, or too much.
    ///
    /// @param temperature of the loss
    /// @param beta of the divergence
    List<ConfigProblem> problems(double temperature, double beta) {
        List<ConfigProblem> problems = new ArrayList<>();
        if (!isNamed()) {
            problems.add(
                    new ConfigProblem(
                            "teacher_model_name_or_path",
                            "null",
                            "a teacher: the folder of a model or of an adapter, or"
                                    + " teacher_adapter_name_or_path for an adapter on the"
                                    + " student's base model, or teacher_model_server_url, or"
                                    + " teacher_models or teacher_server_urls for a teacher of"
                                    + " each domain"));
        }
        problems.addAll(domainProblems());
        if (isServed()) {
            problems.addAll(serverProblems(temperature, beta));
        } else if (!lossAddTail) {
            problems.add(
                    new ConfigProblem(
                            "loss_add_tail",
                            false,
                            "true without teacher_model_server_url or teacher_server_urls: of other"
                                    + " teachers all tokens are compared"));
        }
        return problems;
    }

    private List<ConfigProblem> serverProblems(double temperature, double beta) {
        List<ConfigProblem> problems = new ArrayList<>();
        boolean here = teacherModelNameOrPath.isPresent() || teacherAdapterNameOrPath.isPresent();
        if (here && teacherModelServerUrl.isPresent()) {
            problems.add(
                    new ConfigProblem(
                            "teacher_model_server_url",
                            teacherModelServerUrl.get(),
                            "unset beside teacher_model_name_or_path or"
                                    + " teacher_adapter_name_or_path: there is one teacher"));
        }
        teacherServerUrls.forEach(
                (domain, url) -> {
                    if (!url.matches(URL)) {
                        problems.add(
                                new ConfigProblem(
                                        "teacher_server_urls",
                                        Map.of(domain, url),
                                        "addresses such as http://localhost:8001"));
                    }
                });
        teacherModelServerUrl
                .filter(url -> !url.matches(URL))
                .ifPresent(
                        url ->
                                problems.add(
                                        new ConfigProblem(
                                                "teacher_model_server_url",
                                                url,
                                                "an address such as http://localhost:8000/v1")));
        if (temperature != 1) {
            problems.add(
                    new ConfigProblem(
                            "temperature",
                            temperature,
                            "1 with teacher_model_server_url or teacher_server_urls, which tell"
                                    + " log-probabilities at temperature 1"));
        }
        if (!lossAddTail && told(beta).count(likeliest(beta)) == 1) {
            problems.add(
                    new ConfigProblem(
                            "loss_add_tail",
                            false,
                            "true where one token is compared alone, which tells nothing apart: let"
                                    + " loss_top_k be at least 2, with beta 1 also compared_tokens:"
                                    + " likeliest"));
        }
        return problems;
    }

    /// What a server is asked for.
    ServerTeacher.Told told(double beta) {
        Compared unset = beta == 0 ? Compared.LIKELIEST : Compared.WRITTEN;
        if (comparedTokens.orElse(unset) == Compared.LIKELIEST) {
            return ServerTeacher.Told.LIKELIEST;
        }
        return beta == 1 ? ServerTeacher.Told.WRITTEN : ServerTeacher.Told.BOTH;
    }

    /// How many of its likeliest tokens a server is asked for.
    int likeliest(double beta) {
        return beta == 0 || told(beta) == ServerTeacher.Told.LIKELIEST ? lossTopK : 1;
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
