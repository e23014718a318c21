pub(crate) async fn run(_a: crate::args::DemoArgs) -> crate::Outcome {
    Ok(())
}
