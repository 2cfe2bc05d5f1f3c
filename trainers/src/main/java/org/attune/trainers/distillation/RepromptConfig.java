package org.attune.trainers.distillation;

import jakarta.validation.constraints.Positive;
import jakarta.validation.constraints.PositiveOrZero;

import org.attune.records.CopyMethods;
import org.attune.trainers.config.ConfigProblem;
import org.attune.trainers.config.CrossChecked;
import org.attune.trainers.config.InRange;

import java.util.ArrayList;
import java.util.List;

/// What a model that teaches itself is told about its attempts, TRL's `SDPOConfig`.
///
/// @param useSuccessfulAsTeacher whether it is shown an attempt of the same prompt that succeeded
/// @param successRewardThreshold least reward of a success
/// @param dontRepromptOnSelfSuccess whether an attempt isn't shown itself
/// @param includeEnvironmentFeedback whether it is told what rewards, or rows, say of an attempt
/// @param environmentFeedbackOnlyWithoutSolution whether only where no success is shown
/// @param removeThinkingFromDemonstration whether a success is shown without `<think>…</think>`
/// @param maxRepromptLen most tokens of the prompt that it reads; its beginning is cut off
/// @param repromptTemplate that prompt, made of `{prompt}`, `{solution}` and `{feedback}`
/// @param solutionTemplate makes the solution of `{successful_previous_attempt}`
/// @param feedbackTemplate makes the feedback of `{feedback_raw}`
/// @param diagnosticsWarningInterval steps in a row that teach nothing, from one warning to the
///     next; 0: none
/// @param diagnosticsFlatTolerance rewards that differ by no more are equal
@CopyMethods
public record RepromptConfig(
        boolean useSuccessfulAsTeacher,
        @InRange double successRewardThreshold,
        boolean dontRepromptOnSelfSuccess,
        boolean includeEnvironmentFeedback,
        boolean environmentFeedbackOnlyWithoutSolution,
        boolean removeThinkingFromDemonstration,
        @Positive(message = "a whole number >= 1") int maxRepromptLen,
        String repromptTemplate,
        String solutionTemplate,
        String feedbackTemplate,
        @PositiveOrZero(message = "a whole number >= 0") int diagnosticsWarningInterval,
        @InRange(min = 0) double diagnosticsFlatTolerance)
        implements RepromptConfigCopies, CrossChecked {
    static final String ATTEMPT = "successful_previous_attempt";
    static final String RAW = "feedback_raw";

    /// The defaults, as listed at the parameters.
    public static RepromptConfig defaults() {
        return RepromptConfigCopies.blank()
                .withUseSuccessfulAsTeacher(true)
                .withSuccessRewardThreshold(1)
                .withDontRepromptOnSelfSuccess(true)
                .withMaxRepromptLen(10240)
                .withRepromptTemplate(
                        "{prompt}{solution}{feedback}\n\nCorrectly solve the original question.\n")
                .withSolutionTemplate("\nCorrect solution:\n\n{successful_previous_attempt}\n\n")
                .withFeedbackTemplate(
                        "\nThe following is feedback from your unsuccessful earlier attempt:"
                                + "\n\n{feedback_raw}\n\n")
                .withDiagnosticsWarningInterval(10)
                .withDiagnosticsFlatTolerance(1e-8);
    }

    @Override
    public List<ConfigProblem> crossFieldProblems() {
        List<ConfigProblem> problems = new ArrayList<>();
        if (!useSuccessfulAsTeacher && !includeEnvironmentFeedback) {
            problems.add(
                    new ConfigProblem(
                            "use_successful_as_teacher",
                            false,
                            "true, or include_environment_feedback: true: without both the teacher"
                                    + " is told nothing"));
        }
        List<String> needed = new ArrayList<>(List.of("prompt"));
        if (useSuccessfulAsTeacher) {
            needed.add("solution");
        }
        if (includeEnvironmentFeedback) {
            needed.add("feedback");
        }
        TextTemplate.problem(
                        "reprompt_template",
                        repromptTemplate,
                        List.of("prompt", "solution", "feedback"),
                        needed)
                .ifPresent(problems::add);
        alone("solution_template", solutionTemplate, ATTEMPT, problems);
        alone("feedback_template", feedbackTemplate, RAW, problems);
        return problems;
    }

    private static void alone(
            String key, String template, String field, List<ConfigProblem> problems) {
        TextTemplate.problem(key, template, List.of(field), List.of(field))
                .ifPresent(problems::add);
    }
}
