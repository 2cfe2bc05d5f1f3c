package org.attune.trainers.distillation;

import jakarta.validation.constraints.Positive;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

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
@CopyMethods
public record TeacherConfig(
        Optional<String> teacherModelNameOrPath,
        Optional<String> teacherModelRevision,
        Optional<String> teacherAdapterNameOrPath,
        Optional<String> teacherModelServerUrl,
        Optional<String> teacherServerModel,
        @InRange(min = 0, minOpen = true) double teacherServerTimeout,
        @Positive(message = "a whole number >= 1") int teacherServerConcurrency,
        @Positive(message = "a whole number >= 1") int lossTopK)
        implements TeacherConfigCopies {
    /// The defaults, as listed at the parameters.
    public static TeacherConfig defaults() {
        return TeacherConfigCopies.blank()
                .withTeacherServerTimeout(240)
                .withTeacherServerConcurrency(16)
                .withLossTopK(1);
    }

    /// Whether a teacher is named.
    boolean isNamed() {
        return teacherModelNameOrPath.isPresent()
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
                                    + " student's base model, or teacher_model_server_url"));
        }
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
        return List.of(teacherModelNameOrPath, teacherAdapterNameOrPath);
    }
}
