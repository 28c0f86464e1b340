-- name: run_put
-- Work on many rows begins.
insert into runs (what, title, by_whom, because, at_ms, total, change_id)
values (:what, :title, :by, :because, :now, :total, :change_id) returning id;

-- name: run_row_put
-- One row of it.
insert into run_rows (run_id, place, case_id, step) values (:run_id, :place, :case_id, :step);

-- name: run_get
-- One run.
select * from runs where id = :id;

-- name: run_rows
-- The rows of a run below a place.
select r.*, c.order_name, c.return_id, c.portal, c.progress, c.waits_for from run_rows r
left join cases c on c.case_id = r.case_id
where r.run_id = :run_id and r.place > :after order by r.place limit :rows;

-- name: run_counts
-- How a run stands.
select state, count(*) as rows_there from run_rows where run_id = :run_id group by state;

-- name: run_row_next [sqlite]
-- The next row to work on.
select * from run_rows where run_id = :run_id and state = 'waiting' order by place limit 1;

-- name: run_row_next [postgresql]
-- The next row to work on, past those another process has.
select * from run_rows where run_id = :run_id and state = 'waiting' order by place limit 1 for update skip locked;

-- name: run_row_end
-- What became of a row.
update run_rows set state = :state, words = :words, at_ms = :now where run_id = :run_id and place = :place
    and state = 'waiting';

-- name: run_end
-- Every row is through.
update runs set state = 'done', finished_ms = :now where id = :id and state = 'going'
    and not exists (select 1 from run_rows where run_id = :id and state = 'waiting');

-- name: run_undone
-- A run's change was taken back.
update runs set undone_by = :change_id where change_id = :undone;

-- name: runs_going
-- Runs that are not through.
select * from runs where state = 'going' order by id limit :rows;
