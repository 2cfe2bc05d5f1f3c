package org.attune.trainers.distillation;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;

import java.util.List;
import java.util.Optional;

/// Who teaches.
///
/// @param teacherModelNameOrPath folder or hub name of the teacher, or folder of an adapter that
///     names its base; unset: the student's base model, with the teacher's adapter
/// @param teacherModelRevision revision of a hub name in the local cache
/// @param teacherAdapterNameOrPath PEFT folder of the teacher's adapter; unset: none
@CopyMethods
public record TeacherConfig(
        Optional<String> teacherModelNameOrPath,
        Optional<String> teacherModelRevision,
        Optional<String> teacherAdapterNameOrPath)
        implements TeacherConfigCopies {
    /// The defaults, as listed at the parameters.
    public static TeacherConfig defaults() {
        return TeacherConfigCopies.blank();
    }

    /// What is missing.
    List<ConfigProblem> problems() {
        if (teacherModelNameOrPath.isPresent() || teacherAdapterNameOrPath.isPresent()) {
            return List.of();
        }
        return List.of(
                new ConfigProblem(
                        "teacher_model_name_or_path",
                        "null",
                        "a teacher: the folder of a model or of an adapter, or"
                                + " teacher_adapter_name_or_path for an adapter on the student's"
                                + " base model"));
    }

    /// Models that are read, by name or folder.
    List<Optional<String>> inputs() {
        return List.of(teacherModelNameOrPath, teacherAdapterNameOrPath);
    }
}
