//! axum: routes, shared state, JSON, and a server that ends when it is told.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;

type Notes = Arc<RwLock<HashMap<String, Value>>>;

async fn read(State(notes): State<Notes>, Path(name): Path<String>) -> Result<Json<Value>, StatusCode> {
    notes.read().await.get(&name).cloned().map(Json).ok_or(StatusCode::NOT_FOUND)
}

async fn write(State(notes): State<Notes>, Path(name): Path<String>, Json(note): Json<Value>) -> StatusCode {
    match notes.write().await.insert(name, note) {
        Some(_) => StatusCode::OK,
        None => StatusCode::CREATED,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_with_state_is_served_until_it_is_told_to_stop() {
    let _limit = crate::limit();
    let service = Router::new().route("/notes/{name}", get(read).put(write)).with_state(Notes::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/notes", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    let server = tokio::spawn({
        let stop = stop.clone();
        async move { axum::serve(listener, service).with_graceful_shutdown(stop.cancelled_owned()).await }
    });

    let client = reqwest::Client::new();
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..40 {
        let put = client.put(format!("{base}/{number}")).json(&json!({ "number": number }));
        writers.spawn(async move { put.send().await.unwrap().status() });
    }
    for status in writers.join_all().await {
        assert_eq!(status, StatusCode::CREATED);
    }
    for number in 0..40 {
        let note: Value = client.get(format!("{base}/{number}")).send().await.unwrap().json().await.unwrap();
        assert_eq!(note, json!({ "number": number }));
    }
    assert_eq!(client.get(format!("{base}/40")).send().await.unwrap().status(), StatusCode::NOT_FOUND);

    drop(client);
    stop.cancel();
    server.await.unwrap().unwrap();
}
