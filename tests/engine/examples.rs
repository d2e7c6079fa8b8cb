//! The example project at work: against PostgreSQL and against its own SQLite file, a web shop, a mail server.

use crate::peer::{Peer, ok, status};
use crate::postgres::Postgres;
use crate::server::{Project, Server, bearer, wait_for};
use crate::smtp::Smtp;
use serde_json::{Value as Json, json};

/// The examples with these targets, the database created and filled.
fn serve(erp: &str, shop: &str, mail: &str) -> (Project, Server) {
    let project = Project::examples();
    project.write(
        "examples/connections.yaml",
        &format!(
            "erp: {{ sql: {{ url: '{erp}' }} }}\nshop: {{ http: {{ url: 'http://{shop}/api/' }} }}\n\
             mail: {{ smtp: {{ url: 'smtp://flow:secret@{mail}', from: 'flow@example.com' }} }}"
        ),
    );
    // A short price list: each item is a transaction.
    let list = project.path().join("examples/files/price-list.csv");
    let lines = std::fs::read_to_string(&list).unwrap();
    std::fs::write(&list, lines.lines().take(13).collect::<Vec<_>>().join("\n")).unwrap();
    let server = Server::start(&project.path().join("examples"), &[]);
    let prepared = by_hand(&server, "prepare-erp", &json!({}));
    assert_eq!(prepared["output"]["items"], 12, "{prepared}");
    (project, server)
}

/// A run by hand, once it is completed.
fn by_hand(server: &Server, workflow: &str, input: &Json) -> Json {
    let body = json!({ "input": input }).to_string();
    let started = server.send("POST", &format!("/api/v1/workflows/{workflow}/run"), &[bearer()], Some(body.as_bytes()));
    assert_eq!(started.status, 202, "{}", started.text);
    server.run_in(started.json()["runId"].as_str().unwrap(), "completed")
}

/// Posts to a webhook with a key; gives the run.
fn send(server: &Server, key: &str, path: &str, body: &Json) -> String {
    let headers = [("X-API-Key", key), ("Content-Type", "application/json")];
    let accepted = server.send("POST", path, &headers, Some(body.to_string().as_bytes()));
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    accepted.json()["runId"].as_str().unwrap().to_owned()
}

/// Books movements of two items at once; returns the runs of the first, in order, and the one that does not fit.
fn book(server: &Server) {
    let key = server.key("stock-movements");
    let movement = |sku: &str, quantity: i64| {
        send(server, &key, "/hooks/stock-movements", &json!({ "sku": sku, "quantity": quantity }))
    };
    let mut runs = Vec::new();
    for quantity in [10, -3, 5, -12, 1] {
        runs.push(movement("A100", quantity));
        movement("A101", quantity + 20);
    }
    let stocks: Vec<i64> =
        runs.iter().map(|run| server.run_in(run, "completed")["output"]["stock"].as_i64().unwrap()).collect();
    assert_eq!(stocks, [10, 7, 12, 0, 1], "each saw what the ones before it have left");
    let (short, behind, other) = (movement("A100", -50), movement("A100", 2), movement("A101", 1));
    let failed = server.run_in(&short, "failed");
    assert!(failed["error"]["message"].as_str().unwrap().contains("Of A100 there are 1; 50 cannot go out"), "{failed}");
    server.run_in(&other, "completed");
    assert_eq!(server.api(&format!("/runs/{behind}"))["state"], "queued", "the lane of the item is held");
    let skipped = server.send(
        "POST",
        "/api/v1/lanes/stock-movements/skip",
        &[bearer(), ("Content-Type", "application/json")],
        Some(br#"{"key": "A100"}"#),
    );
    assert_eq!(skipped.status, 200, "{}", skipped.text);
    assert_eq!(server.run_in(&behind, "completed")["output"]["stock"], 3);
}

#[test]
fn prices_go_from_the_database_to_the_shop_and_one_failure_keeps_none_back() {
    let postgres = Postgres::start();
    let peer = Peer::new(|request, before| match request.path.as_str() {
        "/api/items/A101" => status(404),
        _ if before == 0 => status(503),
        _ => ok("{}"),
    });
    let (_project, server) = serve(&postgres.url(), &peer.address, "127.0.0.1:1");
    assert_eq!(
        postgres.run("select count(*), min(price) from items where sku like 'A10%'").split('|').next(),
        Some("10")
    );
    let run = by_hand(&server, "nightly-price-sync", &json!({ "prefix": "A10" }));
    assert_eq!(run["output"], json!({ "sent": 9, "failed": 1 }), "{run}");
    assert_eq!(run["withErrors"], true, "{run}");
    let heard = peer.heard();
    assert_eq!(heard.len(), 11, "ten items, the first of them twice");
    assert_eq!((&heard[0].path, heard[0].key()), (&heard[1].path, heard[1].key()), "tried again under the same key");
    let body: Json = serde_json::from_str(&heard[1].body).unwrap();
    assert_eq!(body, json!({ "name": "Deep groove ball bearing 6200", "price": 3.15, "currency": "EUR" }));
    assert!(run["log"].to_string().contains("A101: "), "{run}");
    let path = "/api/v1/workflows/nightly-price-sync/activate";
    assert_eq!(server.send("POST", path, &[bearer()], Some(br#"{"active": true}"#)).status, 200);
    let schedules = server.api("/schedules")["schedules"].to_string();
    assert!(schedules.contains("\"night\""), "{schedules}");
}

#[test]
fn movements_of_an_item_are_booked_in_their_order() {
    let postgres = Postgres::start();
    let (_project, server) = serve(&postgres.url(), "127.0.0.1:1", "127.0.0.1:1");
    book(&server);
    let booked = postgres.run("select stock::int from items where sku in ('A100', 'A101') order by sku");
    assert_eq!(booked, "3\n102");
    assert_eq!(postgres.run("select count(*) from movements"), "12");
}

#[test]
fn the_file_that_the_examples_name_serves_as_well() {
    let (project, server) = serve("sqlite:erp.db", "127.0.0.1:1", "127.0.0.1:1");
    book(&server);
    let database = rusqlite::Connection::open(project.path().join("examples/erp.db")).unwrap();
    let stock = database.query_row("select stock from items where sku = 'A101'", (), |row| row.get::<_, i64>(0));
    assert_eq!(stock.unwrap(), 102);
}

#[test]
fn orders_come_from_dropped_files_and_wait_for_approval() {
    let (postgres, smtp) = (Postgres::start(), Smtp::start());
    let (project, mut server) = serve(&postgres.url(), "127.0.0.1:1", &smtp.address);
    let workflow = project.path().join("examples/workflows/order-import.yaml");
    let text = std::fs::read_to_string(&workflow).unwrap();
    assert!(text.contains("{ minutes: 1 }"));
    std::fs::write(&workflow, text.replace("{ minutes: 1 }", "{ seconds: 1 }")).unwrap();
    project.write("examples/files/orders/in/o-1.csv", "customer,sku,quantity\nAcme,A100,10\nAcme,A101,2\n");
    project.write("examples/files/orders/in/o-2.csv", "customer,sku,quantity\nAcme,Z999,1\n");
    let orders = project.path().join("examples/files/orders");
    wait_for("both files are dealt with", || {
        (orders.join("done/o-1.csv").exists() && orders.join("refused/o-2.csv").exists()).then_some(())
    });
    assert_eq!(postgres.run("select * from orders"), "o-1.csv|Acme|40.92|imported");

    let key = server.key("order-approval");
    let order = |reference: &str, quantity: i64| json!({ "reference": reference, "customer": "Acme", "lines": [{ "sku": "A100", "quantity": quantity }] });
    let small = send(&server, &key, "/hooks/orders", &order("o-3", 1));
    assert_eq!(server.run_in(&small, "completed")["output"]["approved"], true);
    let large = send(&server, &key, "/hooks/orders", &order("o-4", 1000));
    server.run_in(&large, "waiting");
    let [message] = smtp.messages().try_into().unwrap();
    let message = message.replace("=\r\n", "").replace("=\n", "").replace('\r', "");
    let at = message.find("http://localhost:7070/callbacks/").unwrap_or_else(|| panic!("{message}"));
    let address: String = message[at..].split_whitespace().next().unwrap().replace("http://localhost:7070", "");
    server = server.restart();
    assert_eq!(server.post(&address, "{}").status, 202);
    let done = server.run_in(&large, "completed");
    assert_eq!(done["output"], json!({ "reference": "o-4", "total": 3150, "approved": true }));
    assert_eq!(
        postgres.run("select reference, state from orders order by 1"),
        "o-1.csv|imported\no-3|approved\no-4|approved"
    );
}
