//! Schedules with kills, pauses and runs that take longer than they should.

use crate::peer::{Peer, ok};
use crate::server::{Project, Server, bearer, flowscript, wait_for};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value as Json;
use std::time::Duration;

fn database(project: &Project) -> Connection {
    let file = project.path().join("data/flowscript.db");
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE).unwrap()
}

/// Each decided occurrence in milliseconds, runs as one, skipped rows as first, last and count.
fn decided(project: &Project) -> Vec<(i64, i64, i64)> {
    let database = database(project);
    let sql = "select coalesce(skip_first, scheduled_for), coalesce(skip_last, scheduled_for), coalesce(skip_count, 1)
               from runs where trigger = 'schedule' order by 1";
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn post(server: &Server, path: &str) -> (u16, Json) {
    let answer = server.send("POST", &format!("/api/v1{path}"), &[bearer()], Some(b"{}"));
    (answer.status, answer.json())
}

#[test]
fn every_second_through_kills_is_one_run_or_part_of_one_skipped_row() {
    let workflow = "trigger: { schedule: [ { id: tick, every: { seconds: 1 } } ] }
output: \"{DateTime.ToUnixTime(run.scheduledFor)}\"";
    let project = Project::new(&[("workflows/w.yaml", workflow)]);
    let before = chrono::Utc::now().timestamp();
    let mut server = project.serve();
    let loaded = chrono::Utc::now().timestamp();
    for kill in 0..20 {
        std::thread::sleep(Duration::from_millis(150 + kill * 97 % 900));
        if kill % 5 == 4 {
            // Some kills are longer than the minute within which occurrences are on time.
            server.kill();
            shift(&project, 90_000 + kill as i64 * 1000);
            server = project.serve();
        } else {
            server = server.restart();
        }
    }
    wait_for("it goes on", || (decided(&project).len() > 5).then_some(()));
    std::thread::sleep(Duration::from_millis(1500));
    let runs = wait_for("all runs have ended", || {
        let runs = server.api("/runs?trigger=schedule&limit=1000")["runs"].as_array().unwrap().clone();
        // The one that is due just now may be running.
        (runs.iter().filter(|run| run["state"] != "completed" && run["state"] != "skipped").count() <= 1)
            .then_some(runs)
    });
    server.kill();
    let ended = chrono::Utc::now().timestamp();
    let decided = decided(&project);
    let mut expected = decided[0].0;
    for (first, last, count) in &decided {
        assert_eq!((*first, last - first), (expected, (count - 1) * 1000), "{decided:?}");
        expected = last + 1000;
    }
    // From the first load to the end, with nothing left out at either side.
    let shifts: Vec<i64> = (0..20).filter(|kill| kill % 5 == 4).map(|kill| 90 + kill).collect();
    let shifted = shifts.iter().sum::<i64>();
    assert!(
        (before - shifted..=loaded + 1 - shifted).contains(&(decided[0].0 / 1000)),
        "{before} {loaded} {decided:?}"
    );
    assert!((ended - 3..=ended).contains(&(expected / 1000 - 1)), "{ended} {decided:?}");
    assert!(decided.len() > 5 && decided.iter().any(|(_, _, count)| *count > 20), "{decided:?}");
    let states = |state: &str| runs.iter().filter(|run| run["state"] == state).count();
    assert!(states("failed") + states("cancelled") == 0 && states("completed") > 5, "{runs:?}");
    for run in runs.iter().filter(|run| run["state"] == "completed") {
        let at = chrono::DateTime::parse_from_rfc3339(run["scheduledFor"].as_str().unwrap()).unwrap().timestamp();
        let meant: i64 = run["output"].to_string().parse().unwrap();
        let later = (0..=shifts.len()).map(|from| shifts[from..].iter().sum::<i64>());
        assert!(later.into_iter().any(|later| meant - at == later), "each run has its own instant: {run}");
    }
}

/// Makes the engine believe that it was away for this many milliseconds more: everything decided so far is that much
/// older.
fn shift(project: &Project, millis: i64) {
    let database = database(project);
    for sql in [
        "update schedules set settled_until = settled_until - ?1",
        "update runs set scheduled_for = scheduled_for - ?1, skip_first = skip_first - ?1, skip_last = skip_last - ?1",
    ] {
        database.execute(sql, [millis]).unwrap();
    }
}

#[test]
fn what_was_missed_runs_once_and_the_rest_is_one_row() {
    let workflow = "trigger: { schedule: [ { id: m, cron: '* * * * *' } ] }\noutput: 1";
    let project = Project::new(&[("workflows/w.yaml", workflow)]);
    project.serve().kill();
    // The engine was away for a little more than three hours.
    let changed = database(&project).execute("update schedules set settled_until = settled_until - 10900000", ());
    assert_eq!(changed.unwrap(), 1);
    let server = project.serve();
    let rows = wait_for("it is decided", || {
        let rows = decided(&project);
        (rows.len() >= 2).then_some(rows)
    });
    // The last minute is on time: it replaces the missed one.
    assert!(rows[0].2 >= 180 && rows[0].2 <= 182, "{rows:?}");
    assert_eq!(rows[1].2, 1);
    let runs = server.api("/runs?trigger=schedule")["runs"].clone();
    let skipped = runs.as_array().unwrap().iter().find(|run| run["state"] == "skipped").unwrap().to_string();
    assert!(skipped.contains("missed"), "{skipped}");
}

#[test]
fn serve_once_decides_days_that_were_missed() {
    let workflow = "trigger: { schedule: [ { id: s, every: { seconds: 1 } } ] }\noutput: 1";
    let project = Project::new(&[("workflows/w.yaml", workflow)]);
    project.serve().kill();
    let three_days = 3 * 86_400;
    let sql = "update schedules set settled_until = settled_until - ?1";
    assert_eq!(database(&project).execute(sql, [three_days * 1000]).unwrap(), 1);
    database(&project).execute("delete from runs", ()).unwrap();
    let done = flowscript().args(["serve", "--once"]).arg(project.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let decided = decided(&project);
    let missed: i64 = decided.iter().filter(|(first, last, _)| last - first > 60_000).map(|(_, _, count)| count).sum();
    assert!(missed >= three_days - 60, "{decided:?}");
    let all: i64 = decided.iter().map(|(_, _, count)| count).sum();
    assert_eq!(all, (decided[decided.len() - 1].1 - decided[0].0) / 1000 + 1, "{decided:?}");
}

#[test]
fn all_missed_ones_run_or_none_where_the_schedule_says_so() {
    let workflow = |missed: &str| {
        format!(
            "trigger: {{ schedule: [ {{ id: m, cron: '* * * * *', missed: {missed} }} ] }}\n\
             steps: [ wait: {{ for: 200ms }} ]\noutput: \"{{run.scheduledFor}}\""
        )
    };
    let project = Project::new(&[("workflows/all.yaml", &workflow("all")), ("workflows/none.yaml", &workflow("none"))]);
    project.serve().kill();
    // The engine was away for a little more than six minutes.
    assert_eq!(
        database(&project).execute("update schedules set settled_until = settled_until - 370000", ()).unwrap(),
        2
    );
    let server = project.serve();
    let states = |id: &str| -> Vec<String> {
        let runs = server.api(&format!("/runs?workflow={id}&limit=100"))["runs"].clone();
        runs.as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap().to_owned()).collect()
    };
    let all = wait_for("the missed ones have run", || {
        let all = states("all");
        assert!(!all.iter().any(|state| state == "failed"), "{}", server.api("/runs?workflow=all&state=failed"));
        (all.iter().filter(|state| *state == "completed").count() >= 5).then_some(all)
    });
    // The one on time finds those before it unfinished.
    assert!(all.iter().filter(|state| *state == "skipped").count() <= 1, "{all:?}");
    let none = states("none");
    assert_eq!(none.iter().filter(|state| *state == "skipped").count(), 1, "{none:?}");
    assert!(none.len() <= 3, "{none:?}");
    let runs = server.api("/runs?workflow=all&limit=100")["runs"].clone();
    let mut at: Vec<&str> = runs.as_array().unwrap().iter().filter_map(|run| run["output"].as_str()).collect();
    at.sort_unstable();
    at.dedup();
    assert!(at.len() >= 5, "each has its own instant: {runs}");
}

#[test]
fn a_schedule_ends_with_until_and_starts_late_by_jitter() {
    let until = (chrono::Utc::now() + chrono::TimeDelta::seconds(4)).format("%Y-%m-%dT%H:%M:%S");
    let ends = format!("trigger: {{ schedule: [ {{ id: u, every: {{ seconds: 1 }}, until: {until} }} ] }}\noutput: 1");
    let jitter = "trigger: { schedule: [ { id: j, every: { seconds: 1 }, jitter: 700ms, overlap: allow } ] }
steps: [ set: { late: \"DateTime.SecondsBetween(run.scheduledFor, now())\" } ]
output: \"{late}\"";
    let project = Project::new(&[("workflows/ends.yaml", &ends), ("workflows/jitter.yaml", jitter)]);
    let server = project.serve();
    wait_for("the schedule is finished", || {
        let schedules = server.api("/schedules")["schedules"].clone();
        (schedules[0]["state"] == "finished").then_some(())
    });
    let count = |id: &str| server.api(&format!("/runs?workflow={id}&limit=100"))["runs"].as_array().unwrap().len();
    let ended = wait_for("the last one has fired", || Some(count("ends")).filter(|count| *count >= 1));
    std::thread::sleep(Duration::from_millis(2500));
    assert!(count("ends") <= ended + 1 && count("ends") <= 4, "nothing comes behind `until`: {}", count("ends"));
    let runs = server.api("/runs?workflow=jitter&state=completed&limit=100")["runs"].clone();
    let late: Vec<f64> =
        runs.as_array().unwrap().iter().map(|run| run["output"].to_string().parse().unwrap()).collect();
    assert!(late.len() >= 3, "{late:?}");
    // Never early; each with a random delay, so that not all begin in the same tenth.
    assert!(late.iter().all(|late| *late >= 0.0), "{late:?}");
    let spread = late.iter().copied().fold(0.0, f64::max) - late.iter().copied().fold(f64::MAX, f64::min);
    assert!(spread > 0.02, "{late:?}");
}

#[test]
fn an_occurrence_during_a_run_does_what_overlap_says() {
    let workflow = |id: &str, overlap: &str| {
        format!(
            "trigger: {{ schedule: [ {{ id: {id}, every: {{ seconds: 1 }}, overlap: {overlap}, input: {{ n: 7 }} }} ] }}\n\
             input: {{ n: number }}\nsteps: [ wait: {{ for: 2500ms }} ]\noutput: \"{{n}}\""
        )
    };
    let project = Project::new(&[
        ("workflows/skip.yaml", &workflow("s", "skip")),
        ("workflows/queue.yaml", &workflow("q", "queue")),
        ("workflows/cancel.yaml", &workflow("c", "cancel")),
        ("workflows/allow.yaml", &workflow("a", "allow")),
    ]);
    let server = project.serve();
    std::thread::sleep(Duration::from_millis(6500));
    let states = |id: &str| -> Vec<String> {
        let runs = server.api(&format!("/runs?workflow={id}&limit=100"))["runs"].clone();
        runs.as_array().unwrap().iter().map(|run| run["state"].as_str().unwrap().to_owned()).collect()
    };
    let count = |states: &[String], wanted: &str| states.iter().filter(|state| *state == wanted).count();
    let skip = states("skip");
    assert!(
        count(&skip, "completed") >= 1 && count(&skip, "skipped") >= 1 && count(&skip, "waiting") <= 1,
        "{skip:?} {}\n{}",
        server.log(),
        server.api("/runs?workflow=skip")
    );
    let queue = states("queue");
    assert!(
        count(&queue, "queued") >= 2 && count(&queue, "waiting") == 1 && count(&queue, "skipped") == 0,
        "{queue:?}"
    );
    let cancel = states("cancel");
    assert!(count(&cancel, "cancelled") >= 3 && count(&cancel, "completed") == 0, "{cancel:?}");
    let allow = states("allow");
    assert!(count(&allow, "waiting") >= 2 && count(&allow, "completed") >= 1, "{allow:?}");
    let run = server.api("/runs?workflow=allow&state=completed")["runs"][0].clone();
    assert_eq!(run["output"], 7, "{run}");
}

#[test]
fn overlap_cancel_ends_a_request_that_is_under_way() {
    let peer = Peer::new(|_, _| {
        std::thread::sleep(Duration::from_secs(8));
        ok("1")
    });
    let workflow = format!(
        "trigger: {{ schedule: [ {{ id: s, every: {{ seconds: 1 }}, overlap: cancel }} ] }}
steps: [ http: {{ url: \"http://{}/slow\", method: POST }} ]",
        peer.address
    );
    let project = Project::new(&[("workflows/w.yaml", &workflow), ("flowscript.toml", &peer.allow())]);
    let server = project.serve();
    let cancelled = wait_for("the earlier one is cancelled", || {
        let runs = server.api("/runs?state=cancelled")["runs"].as_array().unwrap().clone();
        runs.first().cloned()
    });
    let time = |name: &str| chrono::DateTime::parse_from_rfc3339(cancelled[name].as_str().unwrap()).unwrap();
    assert!((time("endedAt") - time("startedAt")).num_seconds() < 5, "{cancelled}");
    let page = server.send("GET", "/metrics", &[bearer()], None).text;
    assert!(page.contains("flowscript_runs_total{workflow=\"w\",trigger=\"schedule\",state=\"cancelled\"}"), "{page}");
}

#[test]
fn schedules_are_listed_in_pages() {
    let schedules = (0..7).map(|n| format!("    - {{ id: s{n}, cron: '{n} 3 * * *' }}\n"));
    let workflow = format!("trigger:\n  schedule:\n{}output: 1", schedules.collect::<String>());
    let project = Project::new(&[("workflows/a.yaml", &workflow), ("workflows/b.yaml", &workflow)]);
    let server = project.serve();
    let (mut listed, mut cursor, mut sizes) = (Vec::new(), String::new(), Vec::new());
    loop {
        let page = server.api(&format!("/schedules?limit=5&next=1{cursor}"));
        let schedules = page["schedules"].as_array().unwrap();
        sizes.push(schedules.len());
        listed.extend(schedules.iter().map(|s| format!("{}/{}", s["workflow"], s["schedule"]).replace('"', "")));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={}", urlencoded(next)),
            None => break,
        }
    }
    assert_eq!(sizes, [5, 5, 4]);
    let expected = ["a", "b"].iter().flat_map(|id| (0..7).map(move |n| format!("{id}/s{n}")));
    assert_eq!(listed, expected.collect::<Vec<_>>());
    let refused = |query: &str| server.send("GET", &format!("/api/v1/schedules?{query}"), &[bearer()], None);
    refused("limit=0").is_problem(400, "`limit` is 0");
    refused("cursor=x").is_problem(400, "'x' is not a cursor of the list of schedules");
    refused("limit=1&limit=2").is_problem(400, "duplicate field");
    refused("page=2").is_problem(400, "unknown field `page`");
    let command = flowscript().args(["schedules", "--json", "--dir"]).arg(project.path()).output().unwrap();
    let listed: Json = serde_json::from_slice(&command.stdout).unwrap();
    assert_eq!(listed["schedules"].as_array().map(Vec::len), Some(14), "{listed}");
}

fn urlencoded(text: &str) -> String {
    let parts: Vec<String> = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
    parts.concat()
}

#[test]
fn schedules_are_shown_paused_and_tried() {
    let workflow = "
trigger:
  schedule:
    - { id: night, cron: '0 3 * * *', timeZone: Europe/Stockholm }
    - { weekly: [mon, fri], time: '06:30' }
    - { id: over, at: 2020-01-01T00:00 }
output: 1";
    let project = Project::new(&[("workflows/w.yaml", workflow)]);
    let command = |arguments: &[&str]| {
        let done = flowscript().arg("schedules").args(arguments).arg("--dir").arg(project.path()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    let listed = command(&["list"]);
    assert!(listed.contains("night") && listed.contains("weekly mon,fri 06:30:00 UTC"), "{listed}");
    // Whole times on the clocks of the schedule's zone, one a line.
    let times = listed.lines().filter(|line| line.contains("T03:00:00+0")).count();
    assert_eq!(times, 3, "{listed}");
    let server = project.serve();
    let states = |server: &Server| -> Vec<(String, String)> {
        let schedules = server.api("/schedules")["schedules"].clone();
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        schedules.as_array().unwrap().iter().map(|s| (text(&s["schedule"]), text(&s["state"]))).collect()
    };
    assert_eq!(states(&server)[0], ("night".into(), "active".into()));
    assert!(states(&server).contains(&("over".into(), "finished".into())));
    command(&["pause", "w", "night"]);
    assert_eq!(states(&server)[0], ("night".into(), "paused".into()));
    assert_eq!(post(&server, "/schedules/w/night/resume").0, 200);
    assert_eq!(states(&server)[0], ("night".into(), "active".into()));
    assert_eq!(post(&server, "/schedules/w/nothing/pause").0, 404);
    let upcoming = server.api("/schedules/upcoming?next=3")["upcoming"].clone();
    assert_eq!(upcoming.as_array().unwrap().len(), 3, "{upcoming}");
    let tried = server.api("/schedules/validate?cron=0%200%201%20*%20*&next=2");
    assert_eq!(tried["next"].as_array().unwrap().len(), 2, "{tried}");
    let wrong = server.send("GET", "/api/v1/schedules/validate?cron=1%202%203", &[bearer()], None);
    wrong.is_problem(400, "has 3 fields");
}
