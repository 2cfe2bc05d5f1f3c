-- Times are milliseconds since 1970. Absent texts are empty, so that keys can hold them.
create table answers (
    id text not null,
    choice integer not null,
    made_at bigint not null,
    user_name text not null,
    model text not null,
    answered_by text not null,
    base text not null,
    start_adapter text not null,
    adapter text not null,
    messages text not null,
    tools text not null,
    answer text not null,
    prompt_tokens bigint not null,
    answer_tokens bigint not null,
    finish text not null,
    primary key (id, choice)
);

create index answers_by_user on answers (user_name);

create index answers_by_time on answers (made_at);

create table judgements (
    id text not null,
    choice integer not null,
    user_name text not null,
    kind text not null,
    other_id text not null,
    other_choice integer not null,
    score double precision not null,
    corrected text not null,
    note text not null,
    made_at bigint not null,
    primary key (id, choice, user_name, kind, other_id, other_choice),
    foreign key (id, choice) references answers (id, choice) on delete cascade
);

create index judgements_by_user on judgements (user_name);

create table releases (
    number integer not null primary key,
    model text not null,
    adapter text not null,
    replaces integer not null,
    evidence text not null,
    made_at bigint not null
);
