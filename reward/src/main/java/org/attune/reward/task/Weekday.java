package org.attune.reward.task;

import org.apache.commons.rng.UniformRandomProvider;

import java.time.DayOfWeek;
import java.time.LocalDate;
import java.time.format.TextStyle;
import java.util.List;
import java.util.Locale;

/// `2024-03-14 is a Thursday. Which day of the week is 2024-04-02?` Careless people name the day
/// they were told.
final class Weekday implements TaskKind {
    private static final String DAYS = "days";
    private static final String YEARS = "years";
    private static final int FIRST_YEAR = 2000;
    private static final int DAYS_OF_A_YEAR = 365;

    @Override
    public String name() {
        return "weekday";
    }

    @Override
    public String description() {
        return "find the day of the week of a date, given that of another";
    }

    @Override
    public List<Parameter> parameters() {
        return List.of(
                new Parameter(DAYS, "most days between the dates", 2, 10_000, 7, 60, 1000),
                new Parameter(YEARS, "years, from 2000, of the first date", 1, 400, 30, 100, 400));
    }

    @Override
    public AnswerCheck check() {
        return AnswerCheck.WEEKDAY;
    }

    @Override
    public Problem draw(Difficulty difficulty, UniformRandomProvider random) {
        LocalDate known =
                LocalDate.of(FIRST_YEAR, 1, 1)
                        .plusDays(random.nextInt(DAYS_OF_A_YEAR * difficulty.get(YEARS)));
        LocalDate asked = known.plusDays(random.nextInt(1, difficulty.get(DAYS) + 1));
        return Problem.of(
                "%s is a %s. Which day of the week is %s?"
                        .formatted(known, text(known.getDayOfWeek()), asked),
                text(asked.getDayOfWeek()),
                text(known.getDayOfWeek()));
    }

    private static String text(DayOfWeek day) {
        return day.getDisplayName(TextStyle.FULL, Locale.ENGLISH);
    }
}
